import { parseJsonObject } from '../lib/json.ts';

/** Longest error body that is read for what it says. */
export const maxLostBody = 8192;

/** What a server answered to a request that named a session. */
export interface SessionAnswer {
  readonly status: number;
  /** The whole body, or what there is of it. */
  readonly body: string;
}

/**
 * Whether an answer with this status may say that the session is lost: its body tells. A 401 that challenges says that the caller has to
 * log in, whatever else it says: to begin a session again would fail for the same reason, and its challenge would be lost.
 */
export function mayBeLostSession(status: number, isChallenge: boolean): boolean {
  return status === 404 || status === 400 || (status === 401 && !isChallenge);
}

/**
 * Whether an answer says that the server does not know the session, and so has not executed the request. By the specification that is
 * 404 (2025-11-25, Session Management), with whatever body: `Session not found` of the Python SDK (-32600) and of the TypeScript SDK
 * (-32001), plain text of others. Servers built after the examples of the TypeScript SDK answer 400 (`No valid session ID provided`,
 * `Server not initialized`), older Rust servers 401, which count only where they say so. A JSON-RPC message about something else, such as
 * an unknown method, is no lost session.
 */
export function isLostSession({ status, body }: SessionAnswer): boolean {
  if (!mayBeLostSession(status, false)) return false;
  const error = readError(body);
  if (error === 'answer') return false;
  if (error === undefined) return status === 404 || saysLost(body);
  return saysLost(error.message) || (status === 404 && sessionCodes.has(error.code));
}

interface SpokenError {
  readonly code: number;
  readonly message: string;
}

/** Codes that servers send for a session which is not there, and which at 404 mean nothing else. */
const sessionCodes: ReadonlySet<number> = new Set([-32_001, -32_600, -32_000]);

function saysLost(text: string): boolean {
  return (
    /\bsession\b[^.]{0,80}\b(?:not found|unknown|invalid|expired|terminated|does not exist|closed)\b/i.test(
      text,
    ) ||
    /\b(?:no valid|unknown|invalid|expired|no such)\b[^.]{0,20}\bsession\b/i.test(text) ||
    /\bnot initialized\b/i.test(text)
  );
}

/** The error of a JSON-RPC message, `answer` for one that is no error, `undefined` for what is no message. */
function readError(body: string): SpokenError | 'answer' | undefined {
  // Others are text, a page, nothing, or too long to be read whole.
  const value = parseJsonObject(body);
  if (value === undefined || !('jsonrpc' in value)) return undefined;
  const { error } = value;
  if (typeof error !== 'object' || error === null) return 'answer';
  return {
    code: 'code' in error && typeof error.code === 'number' ? error.code : 0,
    message: 'message' in error && typeof error.message === 'string' ? error.message : '',
  };
}
