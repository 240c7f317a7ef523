import type { Clock } from '../../../src/lib/clock.ts';
import type { Endpoint } from './exchange.ts';
import type { Problem } from './problem.ts';

/** What an authority can do to its clients. */
export type Fault =
  /**
   * Not there: `refused` breaks the connection before anything happened, `lost` after the request was carried out,
   * `silent` never answers. `error` is 500 with a problem, `unavailable` 503 from a machine in front, `garbage` 200 with HTML.
   */
  | {
      readonly kind: 'down';
      readonly how: 'refused' | 'lost' | 'silent' | 'error' | 'unavailable' | 'garbage';
      readonly retryAfter?: RetryAfter;
    }
  /** Refuses good nonces, this share of them. */
  | { readonly kind: 'badNonce'; readonly rate: number }
  | { readonly kind: 'rateLimited'; readonly retryAfter?: RetryAfter }
  /** Orders do not get past this state while it lasts. */
  | { readonly kind: 'orderStuck'; readonly at: 'pending' | 'processing' }
  /** Every validation fails. */
  | { readonly kind: 'validationFails'; readonly problem: Problem }
  | {
      readonly kind: 'wrongCertificate';
      readonly how: 'foreignKey' | 'otherNames' | 'expired' | 'notYetValid' | 'strangerSigned';
    }
  | { readonly kind: 'wrongChain'; readonly how: 'truncated' | 'reversed' | 'empty' | 'notPem' }
  | {
      readonly kind: 'renewalInfo';
      readonly how:
        | 'past'
        | 'endBeforeStart'
        | 'noDates'
        | 'empty'
        | 'notJson'
        | 'notFound'
        | 'error'
        | 'retryAfterHuge'
        | 'retryAfterNegative'
        | 'farFuture';
    }
  | { readonly kind: 'replacesRefused' }
  | { readonly kind: 'externalAccountRequired' }
  /** New terms, to be accepted by a person (RFC 8555 section 7.3.3). */
  | { readonly kind: 'termsChanged' }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'oversized'; readonly bytes: number };

export type FaultKind = Fault['kind'];

/** Of the field Retry-After: seconds, or the same as a date. */
export interface RetryAfter {
  readonly seconds: number;
  readonly as?: 'seconds' | 'date';
}

/** When a fault holds. */
export interface FaultSpan {
  /** Wall-clock milliseconds of the stub's clock; at once when absent. */
  readonly from?: number;
  /** The moment it is over; never when absent. */
  readonly until?: number;
  /** How often it strikes; without limit when absent. */
  readonly times?: number;
  /** The only endpoints it concerns; those it can concern when absent. */
  readonly at?: readonly Endpoint[];
}

export interface Faults {
  /** Switches a fault on, and returns what switches it off again. */
  add(fault: Fault, span?: FaultSpan): () => void;
  clear(): void;
  /** The fault of a kind that strikes now, which counts as one time. */
  strike<Kind extends FaultKind>(kind: Kind, endpoint: Endpoint): Extract<Fault, { kind: Kind }> | undefined;
}

interface Entry extends FaultSpan {
  readonly fault: Fault;
  left: number;
}

export function createFaults(clock: Clock): Faults {
  let entries: Entry[] = [];
  return {
    add(fault, span = {}) {
      const entry = { ...span, fault, left: span.times ?? Number.POSITIVE_INFINITY };
      entries.push(entry);
      return () => {
        entries = entries.filter((other) => other !== entry);
      };
    },
    clear() {
      entries = [];
    },
    strike<Kind extends FaultKind>(kind: Kind, endpoint: Endpoint) {
      const now = clock.now();
      const entry = entries.find(
        (candidate) =>
          candidate.fault.kind === kind &&
          candidate.left > 0 &&
          now >= (candidate.from ?? Number.NEGATIVE_INFINITY) &&
          now < (candidate.until ?? Number.POSITIVE_INFINITY) &&
          (candidate.at === undefined || candidate.at.includes(endpoint)),
      );
      if (entry === undefined) return undefined;
      entry.left--;
      // Found by its kind.
      return entry.fault as Extract<Fault, { kind: Kind }>;
    },
  };
}

/** The field Retry-After, where the fault has one. */
export function toRetryAfterHeaders(
  retryAfter: RetryAfter | undefined,
  now: number,
): Readonly<Record<string, string>> {
  if (retryAfter === undefined) return {};
  const { seconds, as = 'seconds' } = retryAfter;
  const value = as === 'seconds' ? String(seconds) : new Date(now + seconds * 1000).toUTCString();
  return { 'retry-after': value };
}
