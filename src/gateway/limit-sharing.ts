import type { Clock } from '../lib/clock.ts';
import type { LimitNews } from '../limits/limit-news.ts';
import type { Limits } from '../limits/limits.ts';
import { createReplicaLimits, type ReplicaLimits } from '../limits/replica-limits.ts';
import type { Log } from '../observe/log.ts';
import type { RedisConnection } from '../state/redis/redis-connection.ts';

export interface LimitSharingOptions {
  readonly clock: Clock;
  /** The same for all workers of this gateway; see `ReplicaLimitsOptions`. */
  readonly replica: string;
  readonly log: () => Log;
  /** The limits of the moment; `undefined` while there are none. */
  readonly limits: () => Limits | undefined;
  /** Tells the other workers; absent where there are none. */
  readonly share: ((news: LimitNews) => void) | undefined;
}

/** Who counts for the limits: `own` this gateway alone, `shared` all replicas, `alone` this one until Redis is back. */
export type LimitReach = 'own' | 'shared' | 'alone';

/** How long others may count without what was counted here. */
const NEWS_MILLISECONDS = 50;
const CHANNEL = 'limits';

/** Tells other workers and replicas what is counted here. */
export class LimitSharing {
  readonly #options: LimitSharingOptions;
  #timer: { cancel(): void } | undefined;
  #redis: RedisConnection | undefined;
  #replicas: ReplicaLimits | undefined;

  constructor(options: LimitSharingOptions) {
    this.#options = options;
    if (options.share !== undefined) this.#start();
  }

  get reach(): LimitReach {
    if (this.#replicas === undefined || this.#options.limits() === undefined) return 'own';
    return this.#replicas.isAlone ? 'alone' : 'shared';
  }

  /** From now on replicas share over this Redis, or over none. */
  follow(redis: RedisConnection | undefined): void {
    if (redis === this.#redis) return;
    this.#redis = redis;
    this.#replicas?.close();
    this.#replicas = redis === undefined ? undefined : this.#open(redis);
    if (redis !== undefined) this.#start();
  }

  close(): void {
    this.#timer?.cancel();
    this.#replicas?.close();
  }

  #start(): void {
    this.#timer ??= this.#options.clock.setInterval(() => this.#tell(), NEWS_MILLISECONDS);
  }

  #open(redis: RedisConnection): ReplicaLimits {
    const { clock, replica, limits, log } = this.#options;
    return createReplicaLimits({
      channel: {
        publish: (message) => redis.publish(CHANNEL, message),
        listen: (onMessage) => redis.listen(CHANNEL, onMessage),
      },
      clock,
      replica,
      limits,
      onAlone: () =>
        log().error(
          { code: 'E_STATE_UNREACHABLE' },
          'limits are those of this replica alone until Redis can be used again: a caller may reach as many times its limits as there are replicas',
        ),
      onTogether: () => log().info('limits are shared with the other replicas again'),
    });
  }

  #tell(): void {
    const news = this.#options.limits()?.readNews();
    if (news !== undefined) this.#options.share?.(news);
    this.#replicas?.tell(news);
  }
}
