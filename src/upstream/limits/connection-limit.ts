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

/** Whoever wants a connection that may not be free. Exactly one of both is called, at most once, and never from within `enter`. */
export interface Applicant {
  /** It is its turn, and it is counted. */
  onTurn(): void;
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
  readonly #waiting = new Set<WaitingApplicant>();
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
  enter(limits: ServerLimits | undefined, applicant: Applicant): Entry {
    if (limits === undefined || this.hasRoom(limits)) {
      this.#open++;
      return 'entered';
    }
    if (this.#waiting.size >= limits.queue) return 'full';
    const waiting = new WaitingApplicant({
      applicant,
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
      next.applicant.onTurn();
    }
  }
}

interface WaitingOptions {
  readonly applicant: Applicant;
  readonly limits: ServerLimits;
  readonly deadline: number;
  readonly onLeft: (waiting: WaitingApplicant) => void;
}

class WaitingApplicant implements Waiting, Expiring {
  place = -1;
  deadline: number;
  readonly applicant: Applicant;
  readonly limits: ServerLimits;
  readonly #onLeft: (waiting: WaitingApplicant) => void;

  constructor({ applicant, limits, deadline, onLeft }: WaitingOptions) {
    this.applicant = applicant;
    this.limits = limits;
    this.deadline = deadline;
    this.#onLeft = onLeft;
  }

  leave(): void {
    this.#onLeft(this);
  }

  expire(): void {
    this.leave();
    this.applicant.onQueueTimeout();
  }
}
