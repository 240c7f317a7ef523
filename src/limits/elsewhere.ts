/** How many calls and streams of a key run in other processes. */
export interface RunningElsewhere {
  readonly calls: number;
  readonly streams: number;
}

const none: RunningElsewhere = { calls: 0, streams: 0 };

/** A process that shares the limits: a number for a worker of this gateway, a name for one of another replica. */
export type Member = number | string;

/** Keys of one member that are counted; what it says of others beyond is not. */
const MOST_KEYS = 65_536;

/** What other processes that share the limits say of theirs, by key. Each says what it has, so news that come twice do no harm. */
export class CountsElsewhere {
  readonly #members = new Map<Member, Map<string, RunningElsewhere>>();
  readonly #sums = new Map<string, RunningElsewhere>();

  get(key: string): RunningElsewhere {
    return this.#sums.get(key) ?? none;
  }

  set(member: Member, key: string, count: RunningElsewhere): void {
    const own = this.#members.get(member) ?? new Map<string, RunningElsewhere>();
    if (own.size >= MOST_KEYS && !own.has(key)) return;
    this.#members.set(member, own);
    this.#add(key, own.get(key) ?? none, -1);
    this.#add(key, count, 1);
    if (count.calls + count.streams === 0) own.delete(key);
    else own.set(key, count);
  }

  /** A process is no more, and nothing runs in it. */
  forget(member: Member): void {
    for (const [key, count] of this.#members.get(member) ?? []) this.#add(key, count, -1);
    this.#members.delete(member);
  }

  #add(key: string, { calls, streams }: RunningElsewhere, sign: 1 | -1): void {
    const sum = this.get(key);
    const next = { calls: sum.calls + sign * calls, streams: sum.streams + sign * streams };
    if (next.calls === 0 && next.streams === 0) this.#sums.delete(key);
    else this.#sums.set(key, next);
  }
}
