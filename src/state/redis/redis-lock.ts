import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { pause } from '../../lib/pause.ts';
import type { Lock } from '../lock.ts';
import type { RedisConnection } from './redis-connection.ts';
import { toTextKey } from './redis-texts.ts';

export interface RedisLockOptions {
  readonly connection: RedisConnection;
  /** Such as `certificates/mcp.example.com`. */
  readonly name: string;
  readonly clock: Clock;
  /** Ends the waiting; the promise rejects with its reason. A lock that was taken stays until `release`. */
  readonly signal: AbortSignal;
  /** 0 to below 1; spreads the looks of replicas that wait. */
  readonly random?: () => number;
}

/** A lock that replicas agree on. */
export interface RedisLock extends Lock {
  /** Puts a text in the place of whatever is there, unless the lock is somebody else's by now: that rejects (E_STATE_UNREACHABLE). */
  put(name: string, text: string): Promise<void>;
}

/** How long a holder that was not heard of keeps the lock, by the clock of Redis alone. */
const leaseMilliseconds = 15_000;
const beatMilliseconds = 4000;
/** A holder that could not renew its lease for so long by its own monotonic clock gives up, before others can take over. */
const giveUpMilliseconds = 10_000;
const lookMilliseconds = 1000;

const renewScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;
const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`;
const putScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1
`;

/**
 * Waits for a lock in Redis. No clocks are compared: the lease runs out on the server, holders measure how long ago they renewed it, and
 * what is written under the lock is written only while Redis still has the holder's token. Rejects like the connection while Redis is away.
 */
export async function acquireRedisLock(options: RedisLockOptions): Promise<RedisLock> {
  const { connection, name, clock, signal, random = Math.random } = options;
  const key = `${connection.prefix}lock:${name}`;
  const token = randomBytes(12).toString('hex');
  for (;;) {
    signal.throwIfAborted();
    const askedAt = clock.monotonic();
    const set = await connection.send(['SET', key, token, 'NX', 'PX', `${leaseMilliseconds}`]);
    if (set === 'OK') return hold({ connection, key, token, clock, askedAt });
    await pause(clock, lookMilliseconds * (1 + random() / 4), signal);
  }
}

function hold(options: {
  readonly connection: RedisConnection;
  readonly key: string;
  readonly token: string;
  readonly clock: Clock;
  /** Monotonic; the lease has run since then at the latest. */
  readonly askedAt: number;
}): RedisLock {
  const { connection, key, token, clock } = options;
  const lost = new AbortController();
  let renewedAt = options.askedAt;
  let pending = Promise.resolve();

  const lose = (reason: string): void =>
    lost.abort(new GatewayError('E_STATE_UNREACHABLE', `lost the lock \`${key}\` in Redis: ${reason}`));

  const renew = async (): Promise<void> => {
    const askedAt = clock.monotonic();
    try {
      const renewed = await connection.run(renewScript, [key], [token, `${leaseMilliseconds}`]);
      if (renewed === 1) renewedAt = askedAt;
      else lose('another replica has taken it, or Redis has forgotten it');
    } catch (error) {
      if (clock.monotonic() - renewedAt < giveUpMilliseconds) return;
      lose(toErrorMessage(error));
    }
  };
  const timer = clock.setInterval(() => {
    pending = pending.then(renew);
  }, beatMilliseconds);

  let released: Promise<void> | undefined;
  const releaseOnce = async (): Promise<void> => {
    timer.cancel();
    await pending;
    // One that stays runs out by itself.
    await connection.run(releaseScript, [key], [token]).catch(() => undefined);
  };
  return {
    lost: lost.signal,
    async put(name, text) {
      lost.signal.throwIfAborted();
      const target = toTextKey(connection, name);
      const done = await connection.run(putScript, [key, target], [token, text]);
      if (done === 1) return;
      lose('another replica has taken it, or Redis has forgotten it');
      lost.signal.throwIfAborted();
    },
    release() {
      released ??= releaseOnce();
      return released;
    },
  };
}
