import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { sealsSessions } from '../config/sealed-sessions.ts';
import { openRedisConnection, type RedisConnection } from '../state/redis/redis-connection.ts';

export interface OpenRedisOptions {
  readonly clock: Clock;
  /** Redis cannot be read or written; what is known counts on. */
  readonly onProblem: (error: unknown) => void;
  readonly onRecovered: () => void;
}

/**
 * The one connection of this process to the Redis that replicas share; the one of before where that leads to the same. `undefined` where the
 * state is local, or nothing is shared. Rejects with a GatewayError (E_STATE_UNREACHABLE, E_STATE_VERSION).
 */
export async function openRedis(
  config: Config,
  options: OpenRedisOptions,
  before?: { readonly config: Config; readonly redis: RedisConnection | undefined },
): Promise<RedisConnection | undefined> {
  const { state } = config;
  if (state.kind !== 'redis') return undefined;
  if (before?.redis !== undefined && isDeepStrictEqual(before.config.state, state)) return before.redis;
  return sharesAnything(config) ? openRedisConnection({ settings: state, ...options }) : undefined;
}

/** Whether replicas have to know together who calls, or how often, which certificates there are, or what became of a session. */
function sharesAnything(config: Config): boolean {
  const { routes, limits, tls } = config;
  return (
    limits.rates.length + limits.concurrency.length > 0 ||
    tls.automatic.kind === 'acme' ||
    sealsSessions(config) ||
    routes.some(({ credentials }) => credentials.kind === 'jwt')
  );
}
