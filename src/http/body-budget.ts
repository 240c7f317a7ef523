import { toAddressGroup } from '../lib/address-group.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Peer } from './exchange.ts';

/** Whoever reads a request body that has yet to become whole. */
export interface ArrivingBody {
  readonly peer: Peer;
  /** Bytes that it has taken. */
  readonly taken: number;
  /** Answers its request with an error, and gives back at once what it has taken. */
  refuse(code: ErrorCode): void;
}

/** Bodies of one address group, the smallest first. */
interface Sender {
  readonly bodies: ArrivingBody[];
  taken: number;
}

/** How much of the budget is free once room is made: to look for it for each piece would be costly where many bodies arrive. */
const ROOM = 1 / 32;

/**
 * The memory that request bodies of all connections may take together. A body counts from its first byte until
 * its request is answered; without this a few thousand connections could hold their largest body each
 * (memory exhaustion by slow uploads).
 */
export class BodyBudget {
  /** Bytes. One that was lowered is kept to as soon as more comes. */
  limit: number;
  #taken = 0;
  /** An engine's Set, since those that come in one piece, which nearly all do, never get here. */
  readonly #arriving = new Set<ArrivingBody>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Counts bytes that have arrived; false when they are too many, see `makeRoom`. They count until `give`, also then. */
  take(bytes: number): boolean {
    this.#taken += bytes;
    return this.#taken <= this.limit;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /** The body has to wait for more of it, and may be refused until `deleteArriving`. */
  addArriving(body: ArrivingBody): void {
    this.#arriving.add(body);
  }

  deleteArriving(body: ArrivingBody): void {
    this.#arriving.delete(body);
  }

  /**
   * Refuses arriving bodies until there is room: each time the largest of the address group that holds most, so that whoever fills
   * the budget pays for it, and not who comes next (memory exhaustion by bodies that stop short of their end). False when that is
   * not enough, because requests that are being answered hold the rest.
   */
  makeRoom(): boolean {
    const senders = this.#listSenders();
    while (this.#taken > this.limit * (1 - ROOM)) {
      let most: Sender | undefined;
      for (const sender of senders) if (sender.taken > (most?.taken ?? 0)) most = sender;
      const body = most?.bodies.pop();
      if (most === undefined || body === undefined) break;
      most.taken -= body.taken;
      body.refuse('E_OVERLOADED');
    }
    return this.#taken <= this.limit;
  }

  #listSenders(): Sender[] {
    const groups = Map.groupBy(this.#arriving, ({ peer }) => toAddressGroup(peer.address));
    return Array.from(groups.values(), (bodies) => ({
      bodies: bodies.sort((one, other) => one.taken - other.taken),
      taken: bodies.reduce((sum, { taken }) => sum + taken, 0),
    }));
  }
}
