import type { Socket } from 'node:net';
import type { Deadlines, Expiring } from '../http/deadlines.ts';
import type { Clock } from '../lib/clock.ts';
import { UpstreamConnection } from './connection.ts';
import type { UpstreamTarget } from './target.ts';

export interface PoolOptions {
  readonly target: UpstreamTarget;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Longest idle time after which a connection is used again. */
  readonly idleTimeout: number;
  readonly readBuffer: Buffer;
}

/** The upstream's promise (Keep-Alive: timeout) is used up to this much before it runs out, for requests under way. */
const KEEP_ALIVE_MARGIN = 1000;
/** A connection is not used again when older: a name that moved to other addresses is followed within this time. */
const MAX_AGE_MILLISECONDS = 60_000;

/**
 * Keep-alive connections to one upstream. The most recently used one is taken first, so that the others
 * grow old and close; a name is resolved again for each new connection.
 */
export class UpstreamPool implements Expiring {
  readonly target: UpstreamTarget;
  place = -1;
  deadline: number = Number.POSITIVE_INFINITY;
  readonly #options: PoolOptions;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  #isRetired = false;

  constructor(options: PoolOptions) {
    this.target = options.target;
    this.#options = options;
  }

  /** Open connections, idle ones included. */
  get size(): number {
    return this.#all.size;
  }

  /** Sockets of the open connections. */
  *sockets(): Iterable<Socket> {
    for (const { socket } of this.#all) yield socket;
  }

  /** A connection ready for one request: an idle one that is still fresh, else a new one. */
  acquire(): UpstreamConnection {
    const now = this.#options.clock.monotonic();
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (idle.usable && this.#isFresh(idle, now)) return idle;
      idle.abort();
    }
    const { target, clock, connectTimeout, readBuffer } = this.#options;
    const connection = new UpstreamConnection({
      target,
      clock,
      connectTimeout,
      readBuffer,
      onIdle: (idle) => this.#keep(idle),
      onClosed: (closed) => this.#forget(closed),
    });
    this.#all.add(connection);
    return connection;
  }

  expire(now: number): void {
    let kept = 0;
    for (const connection of this.#idle) {
      if (this.#isFresh(connection, now)) this.#idle[kept++] = connection;
      else connection.abort();
    }
    this.#idle.length = kept;
    if (kept > 0) {
      this.deadline = now + this.#options.idleTimeout / 2;
      return;
    }
    this.deadline = Number.POSITIVE_INFINITY;
    this.#options.deadlines.delete(this);
  }

  /** No connection is kept any more: idle ones close now, busy ones after their answer. */
  retire(): void {
    this.#isRetired = true;
    this.#options.deadlines.delete(this);
    for (const connection of this.#idle.splice(0)) connection.abort();
  }

  /** Closes all connections, busy ones too. */
  close(): void {
    this.#options.deadlines.delete(this);
    for (const connection of this.#all) connection.abort();
    this.#idle.length = 0;
  }

  #isFresh(connection: UpstreamConnection, now: number): boolean {
    const longest = Math.min(this.#options.idleTimeout, connection.keepAliveFor - KEEP_ALIVE_MARGIN);
    return now - connection.idleSince < longest && now - connection.openedAt < MAX_AGE_MILLISECONDS;
  }

  #keep(connection: UpstreamConnection): void {
    if (this.#isRetired) {
      connection.abort();
      return;
    }
    this.#idle.push(connection);
    if (this.deadline !== Number.POSITIVE_INFINITY) return;
    this.deadline = this.#options.clock.monotonic() + this.#options.idleTimeout / 2;
    this.#options.deadlines.add(this);
  }

  #forget(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
