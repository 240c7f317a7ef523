import { randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { RedisConnection } from '../redis/redis-connection.ts';
import { recordKinds } from './kinds.ts';
import { createWatchers, type Watchers } from './watchers.ts';

/** Who wants to know that records changed, whichever replica changed them. */
export interface RedisChanges {
  readonly add: Watchers['add'];
  /** Name of this process in what it publishes. */
  readonly origin: string;
  /** Tells those who watch of an own write, after which the kinds have these counts. */
  noteOwn(counts: ReadonlyMap<string, string>): void;
  close(): void;
}

const LOOK_MILLISECONDS = 1000;

/**
 * Follows the writes of others by what they publish and, since a message that comes while the connection is away is lost, by looking at the
 * counts once a second. Rejects like the connection when the first look fails.
 */
export async function followChanges(options: {
  readonly connection: RedisConnection;
  readonly key: string;
  readonly clock: Clock;
}): Promise<RedisChanges> {
  const { connection, key, clock } = options;
  const origin = randomBytes(8).toString('hex');
  const watchers = createWatchers();
  let seen: ReadonlyMap<string, string> = await readCounts();
  let isLooking = false;

  async function readCounts(): Promise<ReadonlyMap<string, string>> {
    const counts = await connection.send(['HGETALL', key]);
    // A map in RESP3.
    return new Map(Object.entries(counts ?? {}).map(([kind, count]) => [kind, String(count)]));
  }

  function take(kind: string, count: string): void {
    if (count !== '') seen = new Map([...seen, [kind, count]]);
  }

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    try {
      const asked = seen;
      const counts = await readCounts();
      // What was written while the answer was on its way is in the next one.
      if (seen !== asked) return;
      seen = counts;
      for (const kind of Object.keys(recordKinds)) {
        if (counts.get(kind) !== asked.get(kind)) watchers.notify(kind);
      }
    } catch {
      // The connection tells of it, and the counts say later what was missed.
      return;
    } finally {
      isLooking = false;
    }
  }

  const stopListening = connection.listen('changes', (message) => {
    const [from, ...changes] = message.split(' ');
    if (from === origin) return;
    for (const change of changes) {
      const [kind = '', count = ''] = change.split('=');
      take(kind, count);
      watchers.notify(kind);
    }
  });
  const timer = clock.setInterval(() => void look(), LOOK_MILLISECONDS);
  return {
    add: watchers.add,
    origin,
    noteOwn(counts) {
      for (const [kind, count] of counts) {
        // Another's write in between shows as a gap, and is found by the next look.
        if (Number(count) === Number(seen.get(kind) ?? 0) + 1) take(kind, count);
        watchers.notify(kind);
      }
    },
    close() {
      stopListening();
      timer.cancel();
    },
  };
}
