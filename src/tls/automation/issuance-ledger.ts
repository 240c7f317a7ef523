import type { LedgerEntry } from './renewal-record.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** Below Let's Encrypt's 5 failures, 5 certificates and 300 orders, which other programs with the same names use too. */
export interface IssuanceLimits {
  readonly failuresPerHour: number;
  readonly certificatesPerWeek: number;
  readonly ordersPerThreeHours: number;
}

export const issuanceLimits: IssuanceLimits = {
  failuresPerHour: 4,
  certificatesPerWeek: 4,
  ordersPerThreeHours: 250,
};

/** Nothing older than this is counted by anyone. */
const longestSpan = 7 * day;
/** An entry from the future is one that a wrong clock wrote; a little is what clocks of two hosts differ. */
const skew = hour;

/**
 * The moment from which on one more attempt stays within the limits of one name; `now` or earlier means at once.
 * A renewal that the authority asked for is exempt from the weekly limit (RFC 9773 section 5, Let's Encrypt's rate limits).
 */
export function toFreeMoment(options: {
  readonly entries: readonly LedgerEntry[];
  readonly issuer: string;
  readonly now: number;
  readonly exempt: boolean;
  readonly limits: IssuanceLimits;
}): number {
  const { entries, issuer, now, exempt, limits } = options;
  const own = entries.filter((entry) => entry.issuer === issuer && entry.at <= now + skew);
  const failed = own.filter((entry) => entry.outcome === 'failed').map((entry) => entry.at);
  const issued = own.filter((entry) => entry.outcome === 'issued').map((entry) => entry.at);
  return Math.max(
    toFreeSlot({ times: failed, count: limits.failuresPerHour, span: hour, now }),
    exempt ? now : toFreeSlot({ times: issued, count: limits.certificatesPerWeek, span: longestSpan, now }),
  );
}

/** When the number of `times` within `span` falls below `count`. */
export function toFreeSlot(options: {
  readonly times: readonly number[];
  readonly count: number;
  readonly span: number;
  readonly now: number;
}): number {
  const { times, count, span, now } = options;
  const recent = times
    .map((at) => Math.min(at, now))
    .filter((at) => at > now - span)
    .toSorted((left, right) => left - right);
  const blocking = recent[recent.length - count];
  return blocking === undefined ? now : blocking + span;
}

/** Adds an entry and forgets what no limit counts any more. */
export function addEntry(entries: readonly LedgerEntry[], entry: LedgerEntry): readonly LedgerEntry[] {
  const kept = entries.filter(({ at }) => at > entry.at - longestSpan && at <= entry.at + skew);
  return [...kept, entry];
}
