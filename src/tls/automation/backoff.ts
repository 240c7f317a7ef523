import type { ErrorCode } from '../../lib/error-codes.ts';
import { isRunning, toEmergency, type Validity } from './renewal-schedule.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What Let's Encrypt asks of clients after the first, second and third failure; then daily. */
const steps = [minute, 10 * minute, 100 * minute];
const longest = day;
/** Without a certificate the service is down: hourly, until it is clear that only a person can help. */
const patientFailures = 100;
/** However near the end is. */
const shortest = 15 * minute;

export interface BackoffInput {
  /** Failures in a row, this one included. */
  readonly failures: number;
  readonly code: ErrorCode;
  /** Milliseconds after which the authority wants to be asked again. */
  readonly retryAfter: number | undefined;
  /** Of the certificate in service; undefined when there is none. */
  readonly validity: Validity | undefined;
  /** Wall-clock milliseconds. */
  readonly now: number;
  /** 0 to below 1. */
  readonly random: () => number;
}

/**
 * Milliseconds until the next attempt. Never longer than a tenth of the life that is left, unless each attempt costs one of
 * the few certificates of a week. What the authority asks for
 * (Retry-After) wins when it is longer, up to a day and up to the last twentieth of the certificate's life: a date years
 * away must not end renewal.
 */
export function toBackoff(input: BackoffInput): number {
  const { failures, retryAfter, random } = input;
  const step = steps[failures - 1] ?? longest;
  const usual = Math.min(step, toCeiling(input), isCheapToRepeat(input.code) ? hour : longest);
  const wait = Math.max(usual, toCost(input));
  const asked = retryAfter === undefined || !(retryAfter > 0) ? 0 : Math.min(retryAfter, toPatience(input));
  // Only upwards: who says when to come back is not asked before.
  return Math.max(wait, asked) * (1 + random() / 10);
}

/** Nobody counts connections that were not answered, and what is wrong here costs no order. */
function isCheapToRepeat(code: ErrorCode): boolean {
  return code === 'E_ACME_UNREACHABLE' || code === 'E_STATE_UNWRITABLE' || code === 'E_STATE_UNREACHABLE';
}

/** A certificate of no use counts like a good one, and an authority issues few for a name in a week: make them last. */
function toCost({ code, validity, now }: BackoffInput): number {
  if (code !== 'E_ACME_CERTIFICATE') return 0;
  if (validity === undefined || !isRunning(validity, now)) return day / 4;
  return Math.min(day, Math.max(shortest, (validity.notAfter - now) / 5));
}

function toCeiling({ validity, now, failures }: BackoffInput): number {
  if (validity === undefined || !isRunning(validity, now)) return failures > patientFailures ? longest : hour;
  return Math.max(shortest, (validity.notAfter - now) / 10);
}

function toPatience({ validity, now }: BackoffInput): number {
  if (validity === undefined || !isRunning(validity, now)) return day;
  const left = toEmergency(validity) - now;
  return Math.min(day, Math.max(left, shortest, (validity.notAfter - now) / 10));
}

/** The longest time that `toBackoff` can say. A date further away comes from a clock that was wrong. */
export const longestBackoff: number = day * 1.1;
