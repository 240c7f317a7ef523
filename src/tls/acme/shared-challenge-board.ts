import type { Clock } from '../../lib/clock.ts';
import { isGatewayError } from '../../lib/gateway-error.ts';
import { pause } from '../../lib/pause.ts';
import type { RedisConnection } from '../../state/redis/redis-connection.ts';
import { toTopicDigest, type ChallengeBoard } from './challenge-board.ts';

export interface SharedChallengeBoard extends ChallengeBoard {
  close(): void;
}

const channel = 'challenges';
const LOOK_MILLISECONDS = 1000;
/** Longer than the look of any replica takes to come round. */
const SPREAD_MILLISECONDS = 1500;
/** No order takes so long; what nobody has removed by then was left by a replica that died. */
const KEPT_MILLISECONDS = '86400000';
const MOST_ANSWERS = 10_000;
const LONGEST_ANSWER = 16_384;

/**
 * The answers of all replicas. Each has those of the others in memory before a validator comes, so that strangers who ask for tokens cost
 * Redis nothing. `put` also rejects with a GatewayError (E_STATE_UNREACHABLE): a validator might come to a replica that knows nothing, and
 * authorities count that.
 */
export function createSharedChallengeBoard(options: {
  readonly local: ChallengeBoard;
  readonly redis: RedisConnection;
  readonly clock: Clock;
}): SharedChallengeBoard {
  const { local, redis, clock } = options;
  const key = `${redis.prefix}challenges`;
  const closing = new AbortController();
  let answers: ReadonlyMap<string, string> = new Map();
  let isLooking = false;
  /** What came while a look was under way may not be in it. */
  let looksAgain = false;

  const look = async (): Promise<void> => {
    looksAgain = isLooking;
    if (isLooking) return;
    isLooking = true;
    try {
      // A map in RESP3.
      const found = Object.entries((await redis.send(['HGETALL', key])) ?? {});
      answers = new Map(
        found
          .map(([topic, text]) => [topic, String(text)] as const)
          .filter(([, text]) => text.length <= LONGEST_ANSWER)
          .slice(0, MOST_ANSWERS),
      );
    } catch (error) {
      // The connection tells of an outage, and what was known goes on being answered.
      if (!isGatewayError(error)) throw error;
    } finally {
      isLooking = false;
    }
    if (looksAgain) await look();
  };
  const stopListening = redis.listen(channel, () => void look());
  const timer = clock.setInterval(() => void look(), LOOK_MILLISECONDS);
  return {
    async put(topic, text) {
      await local.put(topic, text);
      await redis.send(['HSET', key, toTopicDigest(topic), text]);
      await redis.send(['PEXPIRE', key, KEPT_MILLISECONDS]);
      await redis.publish(channel, '');
      await pause(clock, SPREAD_MILLISECONDS, closing.signal);
    },
    async remove(topic) {
      await local.remove(topic);
      try {
        await redis.send(['HDEL', key, toTopicDigest(topic)]);
      } catch (error) {
        // The proof is made all the same, and what stays answers nothing that is asked again.
        if (!isGatewayError(error)) throw error;
      }
    },
    read: (topic) => local.read(topic) ?? answers.get(toTopicDigest(topic)),
    close() {
      stopListening();
      timer.cancel();
      closing.abort();
    },
  };
}
