import type { Clock } from '../lib/clock.ts';

/** A session at a server, as long as somebody may come back to it. `T`: what it takes to end it. */
interface LiveSession<T> {
  place: T;
  /** Requests and streams of it that are open. */
  open: number;
  /** Milliseconds of the monotonic clock. */
  usedAt: number;
  /** When it was put where it stands in the line. */
  placedAt: number;
  /** When another process last said that it was used there. */
  usedElsewhereAt: number;
  /** Nothing but its `initialize` has come. */
  isFresh: boolean;
}

export interface LiveSessionsOptions<T> {
  readonly clock: Clock;
  /** Most sessions at a time. */
  readonly limit: () => number;
  /** Disuse, in milliseconds, after which a session is given up. */
  readonly idleTimeout: () => number;
  /** The session is given up: its client is gone. Not told of what is in use in another process. */
  readonly onOrphan: (key: string, place: T) => void;
}

/** How long a client may take from the answer to its `initialize` to its next message. */
const FRESH_MILLISECONDS = 60_000;
/** A use elsewhere that was told within this time, in milliseconds, is likely to go on. */
const RECENT_MILLISECONDS = 30_000;

/**
 * The sessions at servers that this process has begun or used, at most `limit`. When there is no room, one goes that was not used for
 * long, of those that were never used at first; what has a request or stream open does not. Nothing is moved when a session is used: who
 * looks for the oldest puts those back that were used since they got their place (second chance).
 */
export class LiveSessions<T> {
  readonly #options: LiveSessionsOptions<T>;
  /** Those that nothing came of, and the others; each in the order of their places. */
  readonly #fresh = new Map<string, LiveSession<T>>();
  readonly #used = new Map<string, LiveSession<T>>();
  #busy = 0;

  constructor(options: LiveSessionsOptions<T>) {
    this.#options = options;
  }

  get size(): number {
    return this.#fresh.size + this.#used.size;
  }

  /** Whether a new session would find no room, because all are in use just now. */
  get isFull(): boolean {
    return this.size >= this.#options.limit() && this.#busy >= this.size;
  }

  /** A server has begun a session; false when there is no room for it. */
  begin(key: string, place: T): boolean {
    const known = this.#find(key);
    if (known !== undefined) {
      known.place = place;
      return true;
    }
    if (!this.#makeRoom()) return false;
    this.#add(this.#fresh, key, place);
    return true;
  }

  /**
   * A request or stream of a session begins; to be followed by one `leave`. Returns what it takes to end it, made by `create` where it was
   * not known; `undefined` when there is no room to remember it.
   */
  enter(key: string, create: () => T): T | undefined {
    let session = this.#find(key);
    if (session === undefined) {
      if (!this.#makeRoom()) return undefined;
      session = this.#add(this.#used, key, create());
    }
    session.usedAt = this.#options.clock.monotonic();
    if (session.isFresh) this.#promote(key, session);
    if (session.open++ === 0) this.#busy++;
    return session.place;
  }

  /** Returns what it takes to end the session, where it is known still. */
  leave(key: string): T | undefined {
    const session = this.#find(key);
    // It may have been forgotten, and begun anew, in between.
    if (session === undefined || session.open === 0) return undefined;
    session.usedAt = this.#options.clock.monotonic();
    if (--session.open === 0) this.#busy--;
    return session.place;
  }

  /** The session is no more, or another process has given it up. */
  forget(key: string): void {
    const session = this.#find(key);
    if (session === undefined) return;
    if (session.open > 0) this.#busy--;
    this.#fresh.delete(key);
    this.#used.delete(key);
  }

  /** Another process has used these. */
  hearUsed(keys: readonly string[]): void {
    const now = this.#options.clock.monotonic();
    for (const key of keys) {
      const session = this.#find(key);
      if (session === undefined) continue;
      session.usedAt = now;
      session.usedElsewhereAt = now;
      if (session.isFresh) this.#promote(key, session);
    }
  }

  /** Those that were used since a moment, in milliseconds of the monotonic clock, or are in use. */
  *usedSince(moment: number): Iterable<string> {
    const { clock } = this.#options;
    for (const [key, session] of this.#used) {
      // What was used elsewhere alone is told by whoever used it.
      const isOwn = session.usedAt !== session.usedElsewhereAt;
      if (session.open > 0 || (isOwn && session.usedAt >= moment)) {
        if (session.open > 0) session.usedAt = clock.monotonic();
        yield key;
      }
    }
  }

  /** Gives up what was not used for long. */
  sweep(): void {
    const idle = this.#options.idleTimeout();
    this.#sweepLine(this.#fresh, Math.min(idle, FRESH_MILLISECONDS));
    this.#sweepLine(this.#used, idle);
  }

  #find(key: string): LiveSession<T> | undefined {
    return this.#used.get(key) ?? this.#fresh.get(key);
  }

  #add(line: Map<string, LiveSession<T>>, key: string, place: T): LiveSession<T> {
    const now = this.#options.clock.monotonic();
    const session: LiveSession<T> = {
      place,
      open: 0,
      usedAt: now,
      placedAt: now,
      usedElsewhereAt: Number.NEGATIVE_INFINITY,
      isFresh: line === this.#fresh,
    };
    line.set(key, session);
    return session;
  }

  #promote(key: string, session: LiveSession<T>): void {
    session.isFresh = false;
    session.placedAt = session.usedAt;
    this.#fresh.delete(key);
    this.#used.set(key, session);
  }

  #sweepLine(line: Map<string, LiveSession<T>>, idle: number): void {
    const now = this.#options.clock.monotonic();
    for (const [key, session] of line) {
      if (session.open > 0) session.usedAt = now;
      if (now - session.usedAt < idle) continue;
      line.delete(key);
      this.#options.onOrphan(key, session.place);
    }
  }

  #makeRoom(): boolean {
    const limit = this.#options.limit();
    while (this.size >= limit) if (!this.#evict(this.#fresh) && !this.#evict(this.#used)) return false;
    return true;
  }

  /** Takes the one out that was not used for longest; false when all are in use. */
  #evict(line: Map<string, LiveSession<T>>): boolean {
    if (this.#busy >= this.size) return false;
    const { clock, onOrphan } = this.#options;
    const now = clock.monotonic();
    // Each is put back once at most: then its place is that of its last use.
    for (const [key, session] of line) {
      if (session.open > 0) session.usedAt = now;
      if (session.open > 0 || session.usedAt > session.placedAt) {
        session.placedAt = session.usedAt;
        line.delete(key);
        line.set(key, session);
        continue;
      }
      line.delete(key);
      if (now - session.usedElsewhereAt >= RECENT_MILLISECONDS) onOrphan(key, session.place);
      return true;
    }
    return false;
  }
}
