import type { Exchange } from '../exchange.ts';
import { alive, type Readiness } from '../readiness.ts';
import type { Reply } from '../reply.ts';

/** Answers `/healthz` (the process lives) and `/readyz` (it takes new work); neither says what lies behind. */
export function createHealthStage(readiness: () => Readiness): (exchange: Exchange) => Reply | undefined {
  return function health(exchange) {
    const { kind } = exchange.destination;
    if (kind !== 'health' && kind !== 'readiness') return undefined;
    if (exchange.request.method !== 'GET' && exchange.request.method !== 'HEAD') {
      return { kind: 'error', code: 'E_METHOD_REFUSED', fields: ['allow', 'GET, HEAD'] };
    }
    const { status, body } = kind === 'readiness' ? readiness() : alive;
    return { kind: 'json', status, body };
  };
}
