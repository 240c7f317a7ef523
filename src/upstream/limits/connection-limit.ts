import type { Deadlines, Expiring } from '../../http/deadlines.ts';

/** What one server of a route takes at a time. */
export interface ServerLimits {
  /** Most connections to it. Each request and each stream has one. */
  readonly connections: number;
  /** Most requests that wait for one. */
  readonly queue: number;
  /** How long they wait at most, in milliseconds. */
  readonly queueTimeout: number;
}

/** A request for which no connection may be free. Exactly one of both is called, at most once, and never from within `enter`. */
export interface QueuedRequest {
  /** There is a slot for it, and it is counted. */
  onSlot(): void;
  /** It waited for as long as it may. */
  onQueueTimeout(): void;
}

/** A place in the queue. */
export interface Waiting {
  /** Gives the place up. */
  leave(): void;
}

export type Entry = 'entered' | 'full' | Waiting;

/**
 * Counts what a server has under way, and lets the rest wait in turn. The limits come with each request: those of a new
 * configuration hold for the next one.
 */
export class ConnectionLimit {
  readonly #deadlines: Deadlines;
  /** In the order of their arrival. */
  readonly #waiting = new Set<WaitingRequest>();
  #open = 0;

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  /** Requests and streams under way. */
  get open(): number {
    return this.#open;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether whoever enters now would not have to wait. */
  hasRoom(limits: ServerLimits | undefined): boolean {
    return limits === undefined || (this.#open < limits.connections && this.#waiting.size === 0);
  }

  /** Counts the request, or puts it into the queue. Who has entered calls `leave` once. */
  enter(limits: ServerLimits | undefined, request: QueuedRequest): Entry {
    if (limits === undefined || this.hasRoom(limits)) {
      this.#open++;
      return 'entered';
    }
    if (this.#waiting.size >= limits.queue) return 'full';
    const waiting = new WaitingRequest({
      request,
      limits,
      deadline: this.#deadlines.now() + limits.queueTimeout,
      onLeft: (left) => {
        this.#waiting.delete(left);
        this.#deadlines.delete(left);
      },
    });
    this.#waiting.add(waiting);
    this.#deadlines.add(waiting);
    return waiting;
  }

  leave(): void {
    this.#open--;
    if (this.#waiting.size === 0) return;
    for (const next of this.#waiting) {
      if (this.#open >= next.limits.connections) return;
      this.#open++;
      next.leave();
      next.request.onSlot();
    }
  }
}

interface WaitingOptions {
  readonly request: QueuedRequest;
  readonly limits: ServerLimits;
  readonly deadline: number;
  readonly onLeft: (waiting: WaitingRequest) => void;
}

class WaitingRequest implements Waiting, Expiring {
  place = -1;
  deadline: number;
  readonly request: QueuedRequest;
  readonly limits: ServerLimits;
  readonly #onLeft: (waiting: WaitingRequest) => void;

  constructor({ request, limits, deadline, onLeft }: WaitingOptions) {
    this.request = request;
    this.limits = limits;
    this.deadline = deadline;
    this.#onLeft = onLeft;
  }

  leave(): void {
    this.#onLeft(this);
  }

  expire(): void {
    this.leave();
    this.request.onQueueTimeout();
  }
}
