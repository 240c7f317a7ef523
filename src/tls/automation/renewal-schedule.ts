import type { RenewalInfo } from './issuer.ts';
import type { RenewalWindow } from './renewal-record.ts';

/** Wall-clock milliseconds. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

const hour = 3_600_000;
const day = 24 * hour;

/**
 * Certificates that live shorter than this are renewed at half of their life, others with a third left (Let's Encrypt
 * integration guide).
 */
const shortLife = 10 * day;
/** With this part of the life left the authority's wish counts no more, so that a mistake of it costs no outage. */
const lastPart = 1 / 20;

/**
 * Renewal information is asked for at least twice a day, and not more often than each ten minutes, whatever Retry-After
 * says.
 */
const longestSilence = 12 * hour;
const shortestSilence = 600_000;

export function isRunning({ notBefore, notAfter }: Validity, now: number): boolean {
  return now >= notBefore && now < notAfter;
}

/** How long a certificate is valid, in milliseconds. */
function toLifetime({ notBefore, notAfter }: Validity): number {
  return notAfter - notBefore;
}

/** How long before its end a certificate is renewed when its authority wishes nothing. */
function toRenewalMargin(validity: Validity): number {
  const lifetime = toLifetime(validity);
  return lifetime < shortLife ? lifetime / 2 : lifetime / 3;
}

/** From here on nothing but back-off and limits keeps the renewal waiting. */
export function toEmergency(validity: Validity): number {
  return validity.notAfter - toLifetime(validity) * lastPart;
}

/**
 * The wall-clock moment from which on a certificate is to be replaced: the moment drawn from the authority's window, else by
 * the rule of thumb. `earlyRenewals` tells how many certificates in a row were replaced early because the authority wished
 * so: the first wish is followed at once (a revocation), each further one a day, two days, four days after issuance, so
 * that an authority which wishes nonsense for every new certificate does not make us order without end.
 */
export function toRenewalTime(options: {
  readonly validity: Validity;
  readonly window: RenewalWindow | undefined;
  readonly earlyRenewals: number;
}): number {
  const { validity, window, earlyRenewals } = options;
  const usual = validity.notAfter - toRenewalMargin(validity);
  if (window === undefined) return usual;
  const patience = earlyRenewals === 0 ? 0 : day * 2 ** (earlyRenewals - 1);
  const earliest = Math.min(usual, validity.notBefore + patience);
  return Math.min(Math.max(window.selectedAt, earliest), toEmergency(validity));
}

/** True when a renewal at `now` comes so early that only the authority's wish explains it. */
export function isEarly(validity: Validity, now: number): boolean {
  return now < validity.notBefore + (toLifetime(validity) - toRenewalMargin(validity)) / 2;
}

/**
 * Draws the moment of renewal, once a window: while the authority repeats a window the moment stays (RFC 9773 section 4.2).
 * Undefined for a window that means nothing: without length, or after the end of the certificate.
 */
export function selectMoment(options: {
  readonly info: RenewalInfo;
  readonly validity: Validity;
  readonly serialNumber: string;
  readonly previous: RenewalWindow | undefined;
  /** 0 to below 1. */
  readonly random: () => number;
}): RenewalWindow | undefined {
  const { info, validity, serialNumber, previous, random } = options;
  const { windowStart, windowEnd, explanationUrl } = info;
  const sane =
    Number.isFinite(windowStart) &&
    Number.isFinite(windowEnd) &&
    windowEnd > windowStart &&
    windowStart < validity.notAfter;
  if (!sane) return undefined;
  const same =
    previous?.serialNumber === serialNumber &&
    previous.windowStart === windowStart &&
    previous.windowEnd === windowEnd;
  if (same) return previous;
  const selectedAt = windowStart + random() * (windowEnd - windowStart);
  return { serialNumber, windowStart, windowEnd, selectedAt, explanationUrl };
}

/**
 * Milliseconds until the authority is asked again what it wishes; an hour when it did not answer, half a day when it has
 * no wishes.
 */
export function toSilence(retryAfter: number | undefined): number {
  if (retryAfter === undefined || Number.isNaN(retryAfter)) return hour;
  return Math.min(Math.max(retryAfter, shortestSilence), longestSilence);
}
