import type {
  OutboundCredentials,
  OutboundFailure,
  OutboundFields,
} from '../../auth/outbound/credentials.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';

/** Gets what the upstream is shown of the caller; the caller's own credentials never reach it. */
export function createCredentialsStage(
  onFailure: (failure: OutboundFailure, exchange: Exchange) => void,
): (exchange: Exchange) => Reply | undefined | Promise<Reply | undefined> {
  /** One set for the same fields, so that what was written with it can be used again. */
  const sets = new WeakMap<readonly string[], NonNullable<Exchange['outbound']>>();

  const settle = (
    exchange: Exchange,
    own: OutboundCredentials,
    outcome: OutboundFields,
  ): Reply | undefined => {
    if (!outcome.ok) {
      onFailure(outcome.error, exchange);
      return { kind: 'error', code: outcome.error.code };
    }
    const fields = outcome.value;
    let set = sets.get(fields);
    if (set === undefined) {
      set = { names: own.names, fields };
      sets.set(fields, set);
    }
    exchange.outbound = set;
    return undefined;
  };
  return function addCredentials(exchange) {
    const { destination, principal, token } = exchange;
    if (destination.kind !== 'mcp') return undefined;
    const own = destination.route.access.credentials;
    if (own === undefined) return undefined;
    const outcome = own.fieldsFor(principal, token);
    return outcome instanceof Promise
      ? outcome.then((late) => settle(exchange, own, late))
      : settle(exchange, own, outcome);
  };
}
