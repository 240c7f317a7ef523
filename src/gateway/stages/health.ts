import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';

/** Answers `/healthz` (the process lives) and `/readyz` (it takes new work); neither says what lies behind. */
export function createHealthStage(isDraining: () => boolean): (exchange: Exchange) => Reply | undefined {
  return function health(exchange) {
    const { kind } = exchange.destination;
    if (kind !== 'health' && kind !== 'readiness') return undefined;
    if (exchange.request.method !== 'GET' && exchange.request.method !== 'HEAD') {
      return { kind: 'error', code: 'E_METHOD_REFUSED', fields: ['allow', 'GET, HEAD'] };
    }
    if (kind === 'readiness' && isDraining())
      return { kind: 'json', status: 503, body: '{"status":"draining"}\n' };
    return { kind: 'json', status: 200, body: '{"status":"ok"}\n' };
  };
}
