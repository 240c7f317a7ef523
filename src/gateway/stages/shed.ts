import type { Exchange } from '../exchange.ts';
import type { MemoryGuard } from '../memory-guard.ts';
import type { Reply } from '../reply.ts';

/** Refuses new work while memory is short. A DELETE ends a session, which is the opposite of work. */
export function createShedStage(guard: MemoryGuard): (exchange: Exchange) => Reply | undefined {
  return function shed(exchange) {
    const { destination, request, startedAt } = exchange;
    if (destination.kind !== 'mcp' || request.method === 'DELETE') return undefined;
    return guard.isShort(startedAt) ? { kind: 'error', code: 'E_OVERLOADED' } : undefined;
  };
}
