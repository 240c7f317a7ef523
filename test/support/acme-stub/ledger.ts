import type { Clock } from '../../../src/lib/clock.ts';
import type { Endpoint } from './exchange.ts';

/** All times are wall-clock milliseconds of the stub's clock; all lists are in the order of the events. */
export interface AccountRecord {
  readonly at: number;
  readonly account: string;
  readonly contact: readonly string[];
}

export interface OrderRecord {
  readonly at: number;
  readonly order: string;
  readonly account: string;
  readonly names: readonly string[];
  readonly profile: string;
  /** The identifier (RFC 9773 section 4.1) of the certificate the new one takes the place of. */
  readonly replaces: string | undefined;
  /** Free of limits, because it renews what the stub issued before (RFC 9773 section 5). */
  readonly exempt: boolean;
}

export interface FailureRecord {
  readonly at: number;
  readonly account: string;
  readonly name: string;
  readonly challenge: string;
  readonly problem: string;
}

export interface CertificateRecord {
  readonly at: number;
  readonly order: OrderRecord;
  /** RFC 9773 section 4.1. */
  readonly certId: string;
  /** Upper-case hexadecimal as Node prints it, without a leading zero byte. */
  readonly serialNumber: string;
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
  /** SHA-256 over the public key, to see that it is a new one each time. */
  readonly publicKey: string;
  /** PEM of the leaf. */
  readonly leaf: string;
  /** A fault made it, so that a client that looks does not use it. */
  readonly wrong: boolean;
  /** When a sound chain was first downloaded. */
  deliveredAt: number | undefined;
  /** Since when the stub says that it is to be renewed before its time. */
  recalledAt: number | undefined;
}

export type LimitName =
  | 'failedAuthorizations'
  | 'certificatesPerNames'
  | 'ordersPerAccount'
  | 'accounts'
  /** Asked again for the same before the time of a Retry-After field. */
  | 'retryAfter';

/** A request or failure beyond what the authority allows. */
export interface Violation {
  readonly at: number;
  readonly limit: LimitName;
  readonly account: string | undefined;
  readonly names: readonly string[];
}

/** A problem that no fault caused: the client did something that a real authority refuses. */
export interface Refusal {
  readonly at: number;
  readonly endpoint: Endpoint;
  readonly type: string;
  readonly detail: string;
}

/** Two certificates for the same names, the second ordered while the first was good for long. */
export interface DuplicateOrder {
  readonly first: CertificateRecord;
  readonly second: CertificateRecord;
}

export interface Ledger {
  readonly accounts: AccountRecord[];
  readonly orders: OrderRecord[];
  readonly failures: FailureRecord[];
  readonly certificates: CertificateRecord[];
  readonly violations: Violation[];
  readonly refusals: Refusal[];
  /** Questions for renewal information. */
  readonly renewalReads: { readonly at: number; readonly certId: string }[];
  /** Requests that arrived at each endpoint, those lost to faults included. */
  readonly requests: Map<Endpoint, number>;
  /**
   * Orders without need: issued, although a sound certificate for the same names was downloaded that had more than two
   * thirds of its life before it and was not recalled when the order was placed.
   */
  duplicates(): readonly DuplicateOrder[];
  addRefusal(endpoint: Endpoint, problem: { readonly type: string; readonly detail: string }): void;
  countRequest(endpoint: Endpoint): void;
}

/** Names as one string, so that sets can be compared. */
export function toNamesKey(names: readonly string[]): string {
  return names.toSorted().join(' ');
}

export function createLedger(clock: Clock): Ledger {
  const certificates: CertificateRecord[] = [];
  const refusals: Refusal[] = [];
  const requests = new Map<Endpoint, number>();
  return {
    accounts: [],
    orders: [],
    failures: [],
    certificates,
    violations: [],
    refusals,
    renewalReads: [],
    requests,
    duplicates: () =>
      certificates.flatMap((second, index) => {
        const first = certificates.slice(0, index).findLast((earlier) => isNeedless(earlier, second));
        return first === undefined ? [] : [{ first, second }];
      }),
    addRefusal(endpoint, { type, detail }) {
      refusals.push({ at: clock.now(), endpoint, type, detail });
    },
    countRequest(endpoint) {
      requests.set(endpoint, (requests.get(endpoint) ?? 0) + 1);
    },
  };
}

function isNeedless(first: CertificateRecord, second: CertificateRecord): boolean {
  const orderedAt = second.order.at;
  return (
    toNamesKey(first.names) === toNamesKey(second.names) &&
    first.order !== second.order &&
    !first.wrong &&
    first.deliveredAt !== undefined &&
    orderedAt < first.notBefore + (first.notAfter - first.notBefore) / 3 &&
    !(first.recalledAt !== undefined && first.recalledAt <= orderedAt)
  );
}
