import { z } from 'zod';
import { errorCodes, type ErrorCode } from '../../lib/error-codes.ts';
import type { GatewayError } from '../../lib/gateway-error.ts';
import { parseJson } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { IssueStep } from './issuer.ts';

const time = z.number().finite();

const ledgerEntry = z.object({
  issuer: z.string(),
  at: time,
  outcome: z.enum(['failed', 'issued']),
});

const window = z.object({
  /** The certificate that the window is about. */
  serialNumber: z.string(),
  windowStart: time,
  windowEnd: time,
  /** The moment within the window that was drawn for this certificate. */
  selectedAt: time,
  explanationUrl: z.string().optional(),
});

const record = z.object({
  issuer: z.string().optional(),
  obtainedAt: time.optional(),
  failures: z.number().int().min(0),
  lastFailure: z
    .object({
      code: z.string().refine((code): code is ErrorCode => Object.hasOwn(errorCodes, code)),
      message: z.string(),
      at: time,
    })
    .optional(),
  nextAttemptAt: time.optional(),
  step: z.enum(['account', 'order', 'challenge', 'issue', 'download']).optional(),
  window: window.optional(),
  earlyRenewals: z.number().int().min(0),
  spent: z.string().optional(),
  waits: z.record(z.string(), time),
  attempts: z.array(ledgerEntry),
});

/** The authority's wish for one certificate (RFC 9773). Times are wall-clock milliseconds. */
export interface RenewalWindow {
  readonly serialNumber: string;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly selectedAt: number;
  readonly explanationUrl?: string | undefined;
}

/**
 * An attempt that an authority counts. Times are wall-clock milliseconds, or monotonic where a process counts for
 * itself.
 */
export interface LedgerEntry {
  readonly issuer: string;
  readonly at: number;
  readonly outcome: 'failed' | 'issued';
}

export interface LastFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at: number;
}

/** What is kept about a certificate between restarts, beside the certificate. Times are wall-clock milliseconds. */
export interface RenewalRecord {
  /** Id of the issuer of the stored certificate. */
  readonly issuer?: string | undefined;
  readonly obtainedAt?: number | undefined;
  /** Attempts since the last certificate. */
  readonly failures: number;
  readonly lastFailure?: LastFailure | undefined;
  readonly nextAttemptAt?: number | undefined;
  /** Where an attempt that is under way stands. */
  readonly step?: IssueStep | undefined;
  readonly window?: RenewalWindow | undefined;
  /** How many certificates in a row the authority had replaced long before their time. */
  readonly earlyRenewals: number;
  /**
   * Serial number of the certificate in service when an order that named it as its predecessor may have been carried out in
   * vain: an authority lets one be replaced only once.
   */
  readonly spent?: string | undefined;
  /** Until when an issuer does not want to be asked, by id. */
  readonly waits: Readonly<Record<string, number>>;
  readonly attempts: readonly LedgerEntry[];
}

export const emptyRecord: RenewalRecord = { failures: 0, earlyRenewals: 0, waits: {}, attempts: [] };

/** What is kept of a failure; `at` is wall-clock milliseconds. */
export function toLastFailure({ code, message }: GatewayError, at: number): LastFailure {
  return { code, message, at };
}

/** Reads `renewal.json`. The error says what is wrong with it, for a message that names the file; never throws. */
export function parseRenewalRecord(text: string): Result<RenewalRecord, string> {
  const value = parseJson(text);
  if (value === undefined) return fail('it is not JSON');
  const parsed = record.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return fail(`\`${parsed.error.issues[0]?.path.join('.') ?? ''}\` is wrong`);
}

export function toRecordText(value: RenewalRecord): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
