import { fieldValue } from '../../http/exchange.ts';
import type { ResponseHead } from '../../http/response-head.ts';
import { parseJsonObject } from '../../lib/json.ts';
import { findRedirect, MAX_REDIRECTS } from '../redirect.ts';
import { toUpstreamOrigin } from '../target.ts';
import { startAnswerProbe } from './answer-probe.ts';
import type { Probe, ProbeListener, ProbeOptions, ProbeResult } from './probe-connection.ts';

const METHOD = 'server/discover';
const REVISION = '2026-07-28';
/** Results hold the server's instructions. */
const LONGEST_BODY = 1024 * 1024;
const SESSION_ID_HEADER = 'mcp-session-id';
const passed: ProbeResult = { kind: 'passed' };

const body = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: METHOD,
  params: {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': REVISION,
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});
const fields = [
  'content-type: application/json',
  'accept: application/json, text/event-stream',
  `mcp-protocol-version: ${REVISION}`,
  `mcp-method: ${METHOD}`,
  `content-length: ${Buffer.byteLength(body)}`,
  '',
].join('\r\n');

/**
 * Asks `server/discover` (2026-07-28, Discovery), which needs no session and leaves none. A server of an older revision answers with an
 * error, and one with a login of its own with 401: both have read the question, and pass. What a proxy before it says does not.
 * Against sessions that pile up: where an older server begins one for the question, as that of Python does, it is ended at once.
 */
export function startDiscoverProbe(options: ProbeOptions, onResult: ProbeListener): Probe {
  const { clock, target } = options;
  const startedAt = clock.monotonic();
  const origin = toUpstreamOrigin(target);
  /** Options for one more request, within the time of all of them. */
  const inTime = (): ProbeOptions => ({
    ...options,
    timeout: Math.max(1, options.timeout - Math.round(clock.monotonic() - startedAt)),
  });
  let isCancelled = false;
  let running: Probe | undefined;
  const ask = (path: string, redirects: number): void => {
    let next: string | undefined;
    let session: string | undefined;
    const judgeHead = (head: ResponseHead): ProbeResult | undefined => {
      // Servers redirect between paths with and without a slash at the end, and the data path follows them.
      session = fieldValue(head.fields, SESSION_ID_HEADER);
      next = redirects < MAX_REDIRECTS ? findRedirect(head, { origin, target: path }) : undefined;
      return next === undefined ? judge(head) : passed;
    };
    const question = {
      method: 'POST',
      path,
      fields,
      body,
      judgeHead,
      judgeBody,
      longestBody: LONGEST_BODY,
      overlong: { kind: 'failed', reason: `answers \`${METHOD}\` with more than 1 MiB` },
    } as const;
    running = startAnswerProbe(question, inTime(), (result) => {
      if (isCancelled) return;
      if (next !== undefined) ask(next, redirects + 1);
      else if (session === undefined) onResult(result);
      else running = endSession({ path, session }, inTime(), () => onResult(result));
    });
  };
  ask(target.path, 0);
  return {
    cancel() {
      isCancelled = true;
      running?.cancel();
    },
  };
}

function judge({ status, isEventStream }: ResponseHead): ProbeResult | undefined {
  if (status === 401) return passed;
  if (status >= 500) return failed(status);
  return isEventStream && status < 300 ? passed : undefined;
}

function judgeBody(bytes: Buffer, { status }: ResponseHead): ProbeResult {
  return isRpcAnswer(bytes.toString('utf8')) ? passed : failed(status);
}

function failed(status: number): ProbeResult {
  const rest = status >= 500 ? '' : ' and no JSON-RPC message';
  return { kind: 'failed', reason: `answers \`${METHOD}\` with ${status}${rest}` };
}

/** A response of JSON-RPC 2.0 (section 5), whatever it is to: servers that cannot tell the id leave it out. */
function isRpcAnswer(text: string): boolean {
  const value = parseJsonObject(text);
  if (value === undefined || value['jsonrpc'] !== '2.0') return false;
  return 'result' in value || (typeof value['error'] === 'object' && value['error'] !== null);
}

/** Ends a session that nobody wanted (2025-11-25, Session Management). What comes of it says nothing of the server. */
function endSession(
  { path, session }: { readonly path: string; readonly session: string },
  options: ProbeOptions,
  onEnd: () => void,
): Probe {
  const question = {
    method: 'DELETE',
    path,
    fields: `${SESSION_ID_HEADER}: ${session}\r\n`,
    body: '',
    judgeHead: () => passed,
    judgeBody: () => passed,
    longestBody: 0,
    overlong: passed,
  } as const;
  return startAnswerProbe(question, options, onEnd);
}
