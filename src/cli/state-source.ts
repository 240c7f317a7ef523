import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { openKeyStore } from '../auth/key-file.ts';
import { systemClock } from '../lib/clock.ts';
import { openRedisConnection, type RedisConnection } from '../state/redis/redis-connection.ts';
import { describeAddress, type RedisSettings } from '../state/redis/redis-settings.ts';
import { createMemoryStore } from '../state/store/memory-store.ts';
import type { Store } from '../state/store/store.ts';
import { findSource, type CertsOptions } from './certs/source.ts';
import type { CliContext } from './context.ts';
import { reportProblems } from './failure.ts';

/** Which state directory a command means. */
export type StateOptions = CertsOptions;

export interface StateWork {
  /** For people: the directory, or the Redis in its place. */
  readonly stateDir: string;
  readonly store: Store;
}

/**
 * Runs a command on the store of the gateway's state directory and closes it again. `reads`: where there is no store yet, none is made,
 * and the command finds an empty one. Problems of the configuration are told; the store's are thrown as GatewayErrors.
 */
export async function withState(
  options: StateOptions & { readonly access: 'reads' | 'writes' },
  context: CliContext,
  work: (state: StateWork) => Promise<number>,
): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const { stateDir, state } = source.value;
  if (state.kind === 'redis') return withRedis({ stateDir, settings: state }, work);
  const isEmpty = options.access === 'reads' && !(await hasState(stateDir));
  const store = isEmpty
    ? createMemoryStore({ clock: systemClock })
    : // Closed again before there is anything to sweep.
      await openKeyStore({ stateDir, clock: systemClock, onProblem: () => undefined });
  try {
    return await work({ stateDir, store });
  } finally {
    store.close();
  }
}

/** As `withState`, where replicas share the store. */
async function withRedis(
  { stateDir, settings }: { readonly stateDir: string; readonly settings: RedisSettings },
  work: (state: StateWork) => Promise<number>,
): Promise<number> {
  const redis = await openShared(settings);
  try {
    const store = await openKeyStore({ stateDir, clock: systemClock, onProblem: () => undefined, redis });
    try {
      return await work({ stateDir: `Redis at ${describeAddress(settings.address)}`, store });
    } finally {
      store.close();
    }
  } finally {
    redis.close();
  }
}

/** What goes wrong ends the command, so nothing has to be told besides. */
export function openShared(settings: RedisSettings): Promise<RedisConnection> {
  const ignore = (): void => undefined;
  return openRedisConnection({ settings, clock: systemClock, onProblem: ignore, onRecovered: ignore });
}

/** What is there and cannot be opened counts: why it cannot has to be told. */
async function hasState(stateDir: string): Promise<boolean> {
  const looks = ['breakwater.db', 'keys.json'].map((name) => access(join(stateDir, name)));
  const outcomes = await Promise.allSettled(looks);
  return outcomes.some(({ status }) => status === 'fulfilled');
}
