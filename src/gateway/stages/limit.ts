import type { Clock } from '../../lib/clock.ts';
import { createLimits, type LimitRefusal, type Limits } from '../../limits/limits.ts';
import type { Envelope } from '../../mcp/envelope.ts';
import { countCalls } from '../../mcp/operations.ts';
import { isLongLived } from '../last-words.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';

/** Counts a request by its address before anything it says is believed or paid for (credential guessing, floods). */
export function createDoorStage(limits: Limits): (exchange: Exchange) => Reply | undefined {
  return function door(exchange) {
    if (exchange.destination.kind !== 'mcp') return undefined;
    const refusal = limits.admitUnauthenticated(exchange.client.address);
    return refusal === undefined ? undefined : toReply(refusal);
  };
}

/** For a person who logs in a few times, and for an office behind one address; not for who guesses passwords or fills the store. */
const loginRate = { per: 'address', requests: 300, within: 60_000, routes: [], tools: [] } as const;

/** Counts requests to the authorization server by their address, whatever limits are configured: it works much for each. */
export function createLoginDoorStage(clock: Clock): (exchange: Exchange) => Reply | undefined {
  const limits = createLimits({ rates: [loginRate], concurrency: [], clock });
  return function loginDoor(exchange) {
    if (exchange.destination.kind !== 'login') return undefined;
    const refusal = limits.admitUnauthenticated(exchange.client.address);
    return refusal === undefined ? undefined : toReply(refusal);
  };
}

/** Counts a request by who calls what; what it takes is given back when the exchange is over. */
export function createLimitStage(limits: Limits): (exchange: Exchange) => Reply | undefined {
  return function limit(exchange) {
    const { destination, envelope, principal } = exchange;
    if (destination.kind !== 'mcp') return undefined;
    const limited = {
      principalId: principal?.id,
      client: principal?.client,
      address: exchange.client.address,
      route: destination.route.id,
      tool: toTool(envelope),
      isStream: isLongLived(exchange),
    };
    // batch-hiding: a batch costs what its messages would cost one by one.
    const outcome =
      envelope?.kind === 'batch'
        ? limits.enterBatch(limited, countCalls(exchange.request.body))
        : limits.enter(limited);
    if (outcome.kind === 'limited') return toReply(outcome);
    exchange.leave = () => outcome.leave();
    return undefined;
  };
}

function toTool(envelope: Envelope | undefined): string | undefined {
  return envelope?.kind === 'request' && envelope.method === 'tools/call' ? envelope.name : undefined;
}

function toReply({ retryAfter }: LimitRefusal): Reply {
  return { kind: 'error', code: 'E_RATE_LIMITED', fields: ['retry-after', String(retryAfter)] };
}
