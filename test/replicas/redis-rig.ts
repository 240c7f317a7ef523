import { systemClock } from '../../src/lib/clock.ts';
import { openRedisConnection, type RedisConnection } from '../../src/state/redis/redis-connection.ts';
import type { RedisSettings } from '../../src/state/redis/redis-settings.ts';
import { openRedisStore } from '../../src/state/store/redis-store.ts';
import type { Store } from '../../src/state/store/store.ts';
import { toRedisSettings } from '../support/redis-server.ts';

/** One replica's way to Redis, and what it was told. */
export interface Replica {
  readonly connection: RedisConnection;
  readonly store: Store;
  readonly problems: readonly string[];
  readonly recoveries: readonly number[];
  close(): void;
}

/** Opens what a gateway opens, on a loopback port. */
export async function openReplica(port: number, rest: Partial<RedisSettings> = {}): Promise<Replica> {
  const problems: string[] = [];
  const recoveries: number[] = [];
  const connection = await openRedisConnection({
    settings: toRedisSettings(port, rest),
    clock: systemClock,
    onProblem: (error) => problems.push(error instanceof Error ? error.message : String(error)),
    onRecovered: () => recoveries.push(performance.now()),
  });
  try {
    const store = await openRedisStore({ connection, clock: systemClock });
    const close = (): void => {
      store.close();
      connection.close();
    };
    return { connection, store, problems, recoveries, close };
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Milliseconds that something took to fail, and how. */
export async function timeFailure(
  work: Promise<unknown>,
): Promise<{ readonly milliseconds: number; readonly error: unknown }> {
  const start = performance.now();
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { milliseconds: performance.now() - start, error };
}
