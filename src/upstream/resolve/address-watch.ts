import type { Clock, Timer } from '../../lib/clock.ts';
import type { ResolveAddresses } from './system-resolver.ts';

/** An address that a name has, or had not long ago. */
export interface KnownAddress {
  readonly address: string;
  readonly isPresent: boolean;
  /** When it came or went, in milliseconds of the monotonic clock; `undefined` for those of the first answer. */
  readonly since: number | undefined;
}

export interface AddressWatchOptions {
  readonly host: string;
  readonly resolve: ResolveAddresses;
  readonly clock: Clock;
  readonly random: () => number;
  /** Called once when the name cannot be resolved any more, with the reason, and once, without, when it can again. */
  readonly onTrouble: (reason: string | undefined) => void;
}

/**
 * The system does not tell how long an address counts. Ten seconds are about what caches of clusters keep one for, and a server that
 * has gone before is seen by its failures.
 */
const INTERVAL = 10_000;
/** While nothing is known, there is nothing to serve by. */
const FIRST_INTERVAL = 1000;
const JITTER = 0.2;
/**
 * How long an address that has gone can be asked for what was begun there. Not longer, since addresses are given to others: what is
 * sent there then is not for them.
 */
const GONE_MILLISECONDS = 3_600_000;

/** Resolves a name again and again, one query at a time. What was known last goes on while the name cannot be resolved. */
export class AddressWatch {
  readonly #options: AddressWatchOptions;
  readonly #listeners = new Set<() => void>();
  #addresses: readonly KnownAddress[] = [];
  #timer: Timer | undefined;
  #isTroubled = false;
  #isClosed = false;

  constructor(options: AddressWatchOptions) {
    this.#options = options;
    void this.#ask();
  }

  /** Sorted; empty until the name was resolved, and from then on with at least one that is present. */
  get addresses(): readonly KnownAddress[] {
    return this.#addresses;
  }

  /** Calls back whenever there are other addresses than before, until the function that it returns is called. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** No more queries, and no more calls. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { clock, host, random, resolve } = this.#options;
    const answer = await resolve(host).then(
      (addresses) => ({ addresses, reason: 'has no address' }),
      (error: unknown) => ({ addresses: [], reason: toReason(error) }),
    );
    if (this.#isClosed) return;
    this.#take(answer);
    const interval = this.#addresses.length === 0 ? FIRST_INTERVAL : INTERVAL;
    this.#timer = clock.setTimeout(() => void this.#ask(), interval * (1 - JITTER / 2 + JITTER * random()));
  }

  #take({ addresses, reason }: { addresses: readonly string[]; reason: string }): void {
    const fails = addresses.length === 0;
    if (fails !== this.#isTroubled) {
      this.#isTroubled = fails;
      this.#options.onTrouble(fails ? reason : undefined);
    }
    const before = this.#addresses;
    const next = fails
      ? before.filter((known) => known.isPresent || this.#isKept(known))
      : this.#merge(addresses);
    if (next.length === before.length && next.every((known, index) => known === before[index])) return;
    this.#addresses = next;
    for (const listener of this.#listeners) listener();
  }

  #merge(found: readonly string[]): readonly KnownAddress[] {
    const before = this.#addresses;
    const now = this.#options.clock.monotonic();
    const since = before.length === 0 ? undefined : now;
    const present = found.map(
      (address) =>
        before.find((known) => known.address === address && known.isPresent) ?? {
          address,
          isPresent: true,
          since,
        },
    );
    const gone = before
      .filter(({ address }) => !found.includes(address))
      .map((known) => (known.isPresent ? { ...known, isPresent: false, since: now } : known))
      .filter((known) => this.#isKept(known));
    return [...present, ...gone].toSorted((left, right) => (left.address < right.address ? -1 : 1));
  }

  #isKept({ since }: KnownAddress): boolean {
    return since !== undefined && this.#options.clock.monotonic() - since < GONE_MILLISECONDS;
  }
}

function toReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOTFOUND') return 'is not known';
  return code === 'EAI_AGAIN' ? 'cannot be resolved just now' : `cannot be resolved (${code})`;
}
