import type { Clock } from '../../lib/clock.ts';
import { RedisSilence } from './redis-errors.ts';

/** What a promise brings, or a RedisSilence when it takes longer; what comes later is ignored. */
export async function within<T>(clock: Clock, milliseconds: number, promise: Promise<T>): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => reject(new RedisSilence(milliseconds)), milliseconds);
  try {
    return await Promise.race([promise, silence]);
  } finally {
    timer.cancel();
  }
}
