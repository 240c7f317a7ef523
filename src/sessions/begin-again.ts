import { readInitializeAnswer } from '../mcp/initialize-answer.ts';

/** A request of ours to an MCP server. */
export interface ServerRequest {
  readonly method: 'POST' | 'DELETE';
  /** Empty for DELETE. */
  readonly body: string;
  readonly sessionId: string | undefined;
  readonly protocolVersion: string | undefined;
  /** Whether what has come of the answer is all that is wanted; the rest is read and dropped. */
  readonly isEnough?: (answer: ServerAnswer) => boolean;
}

/** What a server answered, bounded in size and time by whoever sends. */
export interface ServerAnswer {
  readonly status: number;
  /** Value of Mcp-Session-Id. */
  readonly sessionId: string | undefined;
  readonly isEventStream: boolean;
  readonly body: string;
}

/** Sends a request of ours to one server. Resolves to `undefined` when no whole answer comes in time; never rejects. */
export type SendToServer = (request: ServerRequest) => Promise<ServerAnswer | undefined>;

/** What a session has to be like when it begins again. */
export interface WantedSession {
  /** `params` of the client's `initialize`, as JSON. */
  readonly initializeParams: string;
  /** The revision that client and server had agreed on. */
  readonly protocolVersion: string;
  readonly level: string | undefined;
  readonly subscriptions: readonly string[];
}

export type BeginResult =
  | { readonly kind: 'begun'; readonly sessionId: string }
  | {
      readonly kind: 'failed';
      /** Whether another server may do better. */
      readonly mayRetry: boolean;
      readonly reason: 'no answer' | 'refused' | 'another revision' | 'no session';
    };

const initializeId = 'breakwater-initialize';
const FIRST_ERROR_STATUS = 300;
const FIRST_SERVER_ERROR = 500;

/**
 * Begins a session at a server in the name of a client that has begun it before: `initialize` as the client sent it, `initialized`, and what
 * the client had set since. The client never learns of it, so the server has to speak the revision that the client speaks; capabilities are
 * taken as they are. A log level or subscription that is refused is the server's business: the session is good without.
 */
export async function beginAgain(wanted: WantedSession, send: SendToServer): Promise<BeginResult> {
  const answer = await send({
    method: 'POST',
    body: toRequest('initialize', wanted.initializeParams, initializeId),
    sessionId: undefined,
    protocolVersion: undefined,
    isEnough: (so) => readAnswer(so) !== undefined,
  });
  if (answer === undefined) return { kind: 'failed', mayRetry: true, reason: 'no answer' };
  const agreed = readAnswer(answer);
  const { sessionId } = answer;
  const isAgreed = answer.status < FIRST_ERROR_STATUS && agreed?.kind === 'agreed';
  if (sessionId === undefined) {
    const reason = isAgreed ? 'no session' : 'refused';
    return { kind: 'failed', mayRetry: answer.status >= FIRST_SERVER_ERROR, reason };
  }
  const protocolVersion = isAgreed ? agreed.protocolVersion : undefined;
  const post = (body: string): ReturnType<SendToServer> =>
    send({ method: 'POST', body, sessionId, protocolVersion });
  const giveUp = async (
    failure: Omit<Extract<BeginResult, { kind: 'failed' }>, 'kind'>,
  ): Promise<BeginResult> => {
    await send({ method: 'DELETE', body: '', sessionId, protocolVersion });
    return { kind: 'failed', ...failure };
  };
  if (protocolVersion !== wanted.protocolVersion)
    return giveUp({ mayRetry: false, reason: isAgreed ? 'another revision' : 'refused' });
  const initialized = await post('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  if (initialized === undefined || initialized.status >= FIRST_ERROR_STATUS)
    return giveUp({ mayRetry: true, reason: initialized === undefined ? 'no answer' : 'refused' });
  const { level, subscriptions } = wanted;
  if (level !== undefined)
    await post(toRequest('logging/setLevel', JSON.stringify({ level }), 'breakwater-level'));
  for (const [index, uri] of subscriptions.entries()) {
    const again = await post(
      toRequest('resources/subscribe', JSON.stringify({ uri }), `breakwater-subscription-${index}`),
    );
    // What is slow now makes the client wait.
    if (again === undefined) break;
  }
  return { kind: 'begun', sessionId };
}

function readAnswer({ body, isEventStream }: ServerAnswer): ReturnType<typeof readInitializeAnswer> {
  return readInitializeAnswer(body, { id: initializeId, isEventStream });
}

function toRequest(method: string, params: string, id: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`;
}
