import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';

/** Before the names of credentials for the upstream, so that they are not taken for fields of the answer itself. */
const PREFIX = 'x-breakwater-';

/**
 * Tells a proxy that the caller may pass, and what the upstream is to be shown in place of the caller's own credentials. Rules look at
 * messages, which a proxy does not show, so that where there are rules nobody passes this way.
 */
export function answerQuestionStage({ destination, outbound }: Exchange): Reply | undefined {
  if (destination.kind !== 'mcp') return undefined;
  if (destination.route.access.decide !== undefined)
    return {
      kind: 'error',
      code: 'E_ACCESS_DENIED',
      detail:
        'rules are decided by the message; let the proxy pass calls to Breakwater (`render --mode front`)',
    };
  const fields = (outbound?.fields ?? []).map((text, index) => (index % 2 === 0 ? `${PREFIX}${text}` : text));
  return { kind: 'empty', status: 200, fields: [...fields, 'cache-control', 'no-store'] };
}
