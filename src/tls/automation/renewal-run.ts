import type { ChallengeType } from '../acme/challenge.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { GatewayError } from '../../lib/gateway-error.ts';
import { toLedgerOutcome, type AttemptLimits } from './attempt-limits.ts';
import { toBackoff } from './backoff.ts';
import type { CertificateVault } from './certificate-vault.ts';
import { IssueError, type CertificateIssuer, type IssueStep } from './issuer.ts';
import { attemptRenewal, type IssuerFailure } from './renewal-attempt.ts';
import { toLastFailure, type RenewalRecord, type RenewalWindow } from './renewal-record.ts';
import { isEarly } from './renewal-schedule.ts';
import type { TlsMaterial } from '../tls-material.ts';

/** What every renewal of one certificate needs. */
export interface RenewalMeans {
  readonly name: string;
  /** The first is asked first. */
  readonly issuers: readonly CertificateIssuer[];
  /** The preferred one first. */
  readonly challenges: readonly ChallengeType[];
  readonly vault: CertificateVault;
  readonly limits: AttemptLimits;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
}

export interface RenewalRunOptions extends RenewalMeans {
  /** Ends the attempt: the process closes or the lock is lost. */
  readonly signal: AbortSignal;
  /** The process closes. */
  readonly closing: AbortSignal;
  readonly material: TlsMaterial | undefined;
  readonly record: RenewalRecord;
  /** What the authority wishes for `material`. */
  readonly window: RenewalWindow | undefined;
  readonly onRecord: (record: RenewalRecord) => void;
  readonly onStep: (issuer: CertificateIssuer, step: IssueStep) => void;
}

export interface RenewalRunOutcome {
  readonly issued: { readonly material: TlsMaterial; readonly issuer: CertificateIssuer } | undefined;
  /** One for each issuer that was asked, or would have been, in vain. */
  readonly failures: readonly IssuerFailure[];
}

/**
 * Makes one attempt, under the lock, and keeps the record. The record is stored before the first order as if the attempt had
 * failed, so that a process that dies and starts over and over does not order over and over. After success the caller stores
 * the certificate and the record. Rejects with the signal's reason, or with E_STATE_UNWRITABLE before anything was ordered.
 */
export async function runRenewal(options: RenewalRunOptions): Promise<RenewalRunOutcome> {
  const { name, clock, limits, material, onRecord, vault, window } = options;
  const before = options.record;
  let current = before;
  let asked = false;

  /**
   * Steps and failures on the way are told to other processes where the disk allows; the end result is stored in any
   * case.
   */
  let writing = Promise.resolve();
  const note = (record: RenewalRecord): Promise<void> => {
    current = record;
    onRecord(record);
    writing = writing.then(() => vault.storeRecord(name, record)).catch(() => undefined);
    return writing;
  };
  const now = clock.now();
  const isAsked = window !== undefined && now >= window.windowStart;
  const assumed = { error: new IssueError('E_ACME_STUCK', 'the attempt was cut off') };
  const started = {
    ...before,
    failures: before.failures + 1,
    ...toNext(options, before.failures + 1, [assumed]),
  };
  await vault.storeRecord(name, started);
  current = started;
  onRecord(started);

  try {
    const outcome = await attemptRenewal({
      ...options,
      current:
        material !== undefined && before.issuer !== undefined && before.spent !== material.facts.serialNumber
          ? { certificate: material, issuer: before.issuer }
          : undefined,
      onStep(issuer, step) {
        void note({ ...current, step });
        options.onStep(issuer, step);
      },
      admit: (issuer, replaces) => limits.admit({ issuer, record: current, exempt: replaces && isAsked }),
      onFailure(failure) {
        asked = true;
        const exempt = failure.replaced && isAsked;
        const spent =
          failure.replaced && mayHaveIssued.has(failure.error.code)
            ? material?.facts.serialNumber
            : current.spent;
        return note(withFailure(options, { ...current, spent }, { ...failure, exempt }));
      },
    });
    await writing;
    if (outcome.kind === 'issued') {
      onRecord({
        issuer: outcome.issuer.id,
        obtainedAt: clock.now(),
        failures: 0,
        earlyRenewals:
          material !== undefined && isAsked && isEarly(material.facts, now) ? before.earlyRenewals + 1 : 0,
        waits: current.waits,
        attempts:
          outcome.replaced && isAsked ? current.attempts : limits.count(current, outcome.issuer.id, 'issued'),
      });
      return { issued: outcome, failures: outcome.failures };
    }
    const failures = asked ? before.failures + 1 : before.failures;
    const [first] = outcome.failures;
    await note({
      ...current,
      failures,
      ...toNext(options, Math.max(1, failures), outcome.failures),
      step: undefined,
      lastFailure: first && toLastFailure(first.error, clock.now()),
    });
    return { issued: undefined, failures: outcome.failures };
  } catch (error) {
    await writing;
    // Who closes in the middle of an attempt has not failed: the next start goes on at once.
    if (options.closing.aborted) await note({ ...before, attempts: current.attempts, waits: current.waits });
    throw error;
  }
}

const mayHaveIssued: ReadonlySet<ErrorCode> = new Set(['E_ACME_CERTIFICATE', 'E_ACME_STUCK']);

/** The earliest moment at which an issuer may be asked again. */
function toNext(
  options: RenewalRunOptions,
  failures: number,
  causes: readonly { readonly error: GatewayError }[],
): { readonly nextAttemptAt: number } {
  const { clock, material, random } = options;
  const now = clock.now();
  const waits = causes.map(({ error }) =>
    toBackoff({
      failures,
      code: error.code,
      retryAfter: toRetryAfter(error),
      validity: material?.facts,
      now,
      random,
    }),
  );
  return { nextAttemptAt: now + Math.min(...waits) };
}

function withFailure(
  options: RenewalRunOptions,
  record: RenewalRecord,
  failure: IssuerFailure & { readonly exempt: boolean },
): RenewalRecord {
  const { limits, clock } = options;
  const { issuer, error } = failure;
  const outcome = toLedgerOutcome(error);
  const uncounted = outcome === undefined || (outcome === 'issued' && failure.exempt);
  const attempts = uncounted ? record.attempts : limits.count(record, issuer.id, outcome);
  if (toRetryAfter(error) === undefined) return { ...record, attempts };
  const { nextAttemptAt } = toNext(options, 1, [failure]);
  const waits = Object.entries(record.waits).filter(([, until]) => until > clock.now());
  return { ...record, attempts, waits: { ...Object.fromEntries(waits), [issuer.id]: nextAttemptAt } };
}

function toRetryAfter(error: GatewayError): number | undefined {
  return error instanceof IssueError ? error.retryAfter : undefined;
}
