/** How long keys of a ring are used and kept, in milliseconds. */
export interface KeySchedule {
  /** From its making until the next one is made. */
  readonly lifetime: number;
  /** How long a new key is known to others before it is used, so that nobody meets a key that it does not have. */
  readonly publishedBefore: number;
  /** How long a key stays good for what was made with it, after the next one is used. */
  readonly keptFor: number;
}

export interface DatedKey {
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
}

/** How far the clocks of processes that share a ring may lie apart. */
const clockSkew = 60_000;

/** The key to use now: the newest that was published long enough, or the oldest there is. `keys` are in order of their making. */
export function chooseKey<Key extends DatedKey>(
  keys: readonly Key[],
  schedule: KeySchedule,
  now: number,
): Key | undefined {
  const published = keys.findLast(({ createdAt }) => createdAt + schedule.publishedBefore <= now);
  return published ?? keys[0];
}

/** Whether the next key is to be made. Keys dated later than now say nothing about it: a clock was wrong. */
export function isKeyDue(keys: readonly DatedKey[], schedule: KeySchedule, now: number): boolean {
  return !keys.some(({ createdAt }) => createdAt <= now + clockSkew && createdAt + schedule.lifetime > now);
}

/** The keys that are still good for something. A key goes when the one after it has been in use for `keptFor`. */
export function retainKeys<Key extends DatedKey>(
  keys: readonly Key[],
  schedule: KeySchedule,
  now: number,
): readonly Key[] {
  const lasting = schedule.publishedBefore + schedule.keptFor;
  return keys.filter((_key, index) => {
    const next = keys[index + 1];
    return next === undefined || next.createdAt + lasting > now;
  });
}
