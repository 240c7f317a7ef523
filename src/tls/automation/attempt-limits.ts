import type { Clock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { GatewayError } from '../../lib/gateway-error.ts';
import { longestBackoff } from './backoff.ts';
import { addEntry, toFreeMoment, type IssuanceLimits } from './issuance-ledger.ts';
import { IssueError, type CertificateIssuer } from './issuer.ts';
import type { OrderLedger } from './order-ledger.ts';
import type { LedgerEntry, RenewalRecord } from './renewal-record.ts';

export interface AttemptLimitsOptions {
  readonly clock: Clock;
  readonly orders: OrderLedger;
  readonly limits: IssuanceLimits;
}

/**
 * Whether one more order for one name stays below what authorities allow. What the record says is dated by the wall clock;
 * what this process did is also counted by the monotonic clock, so that a clock that jumps lifts no limit.
 */
export interface AttemptLimits {
  /** Says why not, with the time that it takes until then. Takes a place among the orders of the account when it may. */
  admit(order: {
    readonly issuer: CertificateIssuer;
    readonly record: RenewalRecord;
    readonly exempt: boolean;
  }): Promise<GatewayError | undefined>;
  /** Counts an order that was answered; returns the ledger for the record. */
  count(record: RenewalRecord, issuer: string, outcome: LedgerEntry['outcome']): readonly LedgerEntry[];
}

export function createAttemptLimits(options: AttemptLimitsOptions): AttemptLimits {
  const { clock, orders, limits } = options;
  let own: readonly LedgerEntry[] = [];

  return {
    async admit({ issuer, record, exempt }) {
      const now = clock.now();
      const wait = (record.waits[issuer.id] ?? 0) - now;
      if (wait > 0 && wait <= longestBackoff) {
        const message = `${issuer.title} wants to be left alone until ${toDate(now + wait)}`;
        return new IssueError('E_ACME_RATE_LIMITED', message, { retryAfter: wait });
      }
      const elapsed = clock.monotonic();
      const about = { issuer: issuer.id, exempt, limits };
      const free = Math.max(
        toFreeMoment({ ...about, entries: record.attempts, now }),
        now + (toFreeMoment({ ...about, entries: own, now: elapsed }) - elapsed),
      );
      const moment = free > now ? free : await orders.take(issuer.id);
      if (moment === undefined) return undefined;
      const message = `no further order at ${issuer.title} before ${toDate(moment)}, to stay below its limits`;
      return new IssueError('E_ACME_LIMIT', message, { retryAfter: moment - now });
    },
    count(record, issuer, outcome) {
      own = addEntry(own, { issuer, at: clock.monotonic(), outcome });
      return addEntry(record.attempts, { issuer, at: clock.now(), outcome });
    },
  };
}

/** Failures of orders that no authority counts: they never reached it, or it refused to begin. */
const uncounted: ReadonlySet<ErrorCode> = new Set([
  'E_ACME_UNREACHABLE',
  'E_ACME_RATE_LIMITED',
  'E_ACME_TERMS',
  'E_ACME_ACCOUNT',
  'E_STATE_UNWRITABLE',
  'E_STATE_UNREACHABLE',
]);

/** What an order that failed counts as. A certificate of no use was issued all the same. */
export function toLedgerOutcome({ code }: GatewayError): LedgerEntry['outcome'] | undefined {
  if (code === 'E_ACME_CERTIFICATE') return 'issued';
  return uncounted.has(code) ? undefined : 'failed';
}

function toDate(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
