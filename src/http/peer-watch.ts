import type { Socket } from 'node:net';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { UnansweredConnection } from './tcp-table.ts';
import { toPlainAddress } from './trusted-proxies.ts';

export interface PeerWatchOptions {
  readonly deadlines: Deadlines;
  /** Milliseconds a peer may leave what was sent to it without an answer, as it is asked for at each look. */
  readonly timeout: () => number;
  /** The connections of this machine whose peers do not answer; `undefined` where the system does not tell. */
  readonly read: () => Promise<readonly UnansweredConnection[] | undefined>;
}

/** How often the system's table is read while connections are open. */
const LOOK_MILLISECONDS = 10_000;
/** Fewer repeats than this are what a lossy line does to a peer that is there. */
const MIN_REPEATS = 4;

interface Silence {
  readonly since: number;
  readonly unacknowledged: number;
  readonly repeats: number;
}

/**
 * Ends connections whose peer has vanished without a word: a laptop that was shut, an address translator that forgot.
 * Heartbeats to such a peer rest in the system's send buffer, where the runtime reports no error for a quarter of an
 * hour; what the system knows of them is in its table of connections. Silent connections are the business of TCP
 * keep-alive, which every connection has.
 */
export class PeerWatch implements Expiring {
  place = -1;
  deadline: number = Number.POSITIVE_INFINITY;
  readonly #options: PeerWatchOptions;
  readonly #groups: (() => Iterable<Socket>)[] = [];
  #silences = new Map<string, Silence>();
  #nextLook = 0;
  #isLooking = false;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
  }

  /** Looks after the sockets of a group, as they are when it looks. */
  watch(group: () => Iterable<Socket>): void {
    this.#groups.push(group);
  }

  /** A connection has been opened. */
  wake(): void {
    if (this.deadline !== Number.POSITIVE_INFINITY) return;
    const { deadlines } = this.#options;
    // Each sweep asks whether there are connections at all, so that an idle gateway has nothing to do.
    this.deadline = deadlines.now();
    this.#nextLook = this.deadline + LOOK_MILLISECONDS;
    deadlines.add(this);
  }

  expire(now: number): void {
    if (!this.#groups.some((group) => !isEmpty(group()))) {
      this.#rest();
      return;
    }
    if (now < this.#nextLook || this.#isLooking) return;
    this.#nextLook = now + LOOK_MILLISECONDS;
    this.#isLooking = true;
    void this.#look(now);
  }

  async #look(now: number): Promise<void> {
    try {
      const unanswered = await this.#options.read();
      if (unanswered !== undefined) this.#judge(now, unanswered);
    } catch {
      // What cannot be read now, for want of descriptors or memory, is read the next time.
    } finally {
      this.#isLooking = false;
    }
  }

  #rest(): void {
    this.deadline = Number.POSITIVE_INFINITY;
    this.#silences.clear();
    this.#options.deadlines.delete(this);
  }

  #judge(now: number, unanswered: readonly UnansweredConnection[]): void {
    const timeout = this.#options.timeout();
    const silences = new Map<string, Silence>();
    const vanished = new Set<string>();
    for (const connection of unanswered) {
      const { repeats, unacknowledged } = connection;
      const end = toKey(connection);
      const before = this.#silences.get(end);
      // An answer in between starts the count of repeats afresh and shortens what waits for one.
      const isSame =
        before !== undefined && repeats >= before.repeats && unacknowledged >= before.unacknowledged;
      const since = isSame ? before.since : now;
      if (now - since >= timeout && repeats >= MIN_REPEATS) vanished.add(end);
      else silences.set(end, { since, unacknowledged, repeats });
    }
    this.#silences = silences;
    if (vanished.size === 0) return;
    for (const group of this.#groups) {
      for (const socket of group()) if (vanished.has(keyOf(socket))) socket.destroy();
    }
  }
}

function isEmpty(sockets: Iterable<Socket>): boolean {
  for (const _socket of sockets) return false;
  return true;
}

function keyOf({ localPort, remoteAddress, remotePort }: Socket): string {
  const address = toPlainAddress(remoteAddress ?? '');
  const zone = address.indexOf('%');
  return toKey({
    localPort: localPort ?? 0,
    remoteAddress: zone < 0 ? address : address.slice(0, zone),
    remotePort: remotePort ?? 0,
  });
}

function toKey(end: Pick<UnansweredConnection, 'localPort' | 'remoteAddress' | 'remotePort'>): string {
  return `${end.localPort} ${end.remoteAddress} ${end.remotePort}`;
}
