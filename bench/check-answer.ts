import { isDeepStrictEqual } from 'node:util';
import { buildCall, callFields, type CallKind } from './call.ts';
import type { Endpoint } from './endpoint.ts';
import { request, requestH2, type HttpAnswer } from './http-request.ts';
import type { RunningPeer } from './launch.ts';

export interface CheckOptions {
  readonly upstreamPort: number;
  readonly kinds: readonly CallKind[];
  /** Whether a wrong token has to be refused. */
  readonly isSecured: boolean;
  readonly overH2?: boolean;
}

const refused = { authorization: 'Bearer not-the-token', 'x-api-key': 'not-the-token' };

/** Makes sure that a peer does what is measured: the upstream's very answer, and 401 for a wrong token. Throws what is wrong. */
export async function checkAnswers(running: RunningPeer, options: CheckOptions): Promise<void> {
  const send = options.overH2 === true ? requestH2 : request;
  const upstream: Endpoint = { port: options.upstreamPort, isPlain: true, fields: {}, needsOwnIds: false };
  for (const kind of options.kinds) {
    const direct = await request(upstream, toRequest(upstream, kind));
    const proxied = await send(running.endpoint, toRequest(running.endpoint, kind));
    const wrong = findDifference(direct, proxied, running.peer.isMcpEndpoint === true);
    if (wrong !== undefined) throw new Error(`${kind} call: ${wrong}`);
  }
  if (!options.isSecured || running.peer.isUnchecked === true) return;
  const intruder = { ...running.endpoint, fields: { ...running.endpoint.fields, ...refused } };
  const { status } = await send(intruder, toRequest(intruder, 'echo'));
  if (status !== 401) throw new Error(`a wrong token was answered with ${status}`);
}

/** What is wrong with a proxied answer, or `undefined`. One that was written anew has to hold the same content. */
export function findDifference(
  direct: Pick<HttpAnswer, 'status' | 'body'>,
  proxied: Pick<HttpAnswer, 'status' | 'body'>,
  isWrittenAnew: boolean,
): string | undefined {
  if (direct.status !== 200) return `the upstream answered ${direct.status}`;
  if (proxied.status !== 200) return `status ${proxied.status} (${proxied.body.slice(0, 200)})`;
  const isSame = isWrittenAnew
    ? isDeepStrictEqual(toContent(direct.body), toContent(proxied.body))
    : direct.body === proxied.body;
  return isSame ? undefined : `another body than the upstream's (${proxied.body.slice(0, 200)})`;
}

/** The content of a tool's result, from JSON or from the one event of a stream. */
function toContent(body: string): unknown {
  const data = /^data: (\{.*)$/m.exec(body)?.[1] ?? body;
  // Anything else than a result is not equal to the upstream's and told as that.
  return (JSON.parse(data) as { result?: { content?: unknown } }).result?.content;
}

function toRequest(endpoint: Endpoint, kind: CallKind): Parameters<typeof request>[1] {
  return { method: 'POST', fields: { ...callFields, ...endpoint.fields }, body: buildCall(kind) };
}
