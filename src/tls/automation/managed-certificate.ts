import type { Diagnostic } from '../../lib/diagnostic.ts';
import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import type { Lock } from '../../state/lock.ts';
import type { AutomationEvent } from './automation-event.ts';
import { longestBackoff, toBackoff } from './backoff.ts';
import { withDeadline } from './deadline.ts';
import { IssueError, type CertificateIssuer, type IssueStep } from './issuer.ts';
import { toLastFailure, type LastFailure, type RenewalRecord } from './renewal-record.ts';
import { runRenewal, type RenewalMeans } from './renewal-run.ts';
import { selectMoment, toRenewalTime, toSilence } from './renewal-schedule.ts';
import type { TlsMaterial } from '../tls-material.ts';

/** What logs, commands and `/readyz` want to know. Times are wall-clock milliseconds. */
export interface ManagedCertificateFacts {
  readonly name: string;
  /** Undefined until there is a first certificate. */
  readonly material: TlsMaterial | undefined;
  /** Id of the issuer, where it is known. */
  readonly issuer: string | undefined;
  readonly renewsAt: number | undefined;
  /** Where an attempt of this process stands. */
  readonly step: IssueStep | undefined;
  readonly lastFailure: LastFailure | undefined;
  /** When a failed attempt is repeated. */
  readonly nextAttemptAt: number | undefined;
  /** Why the authority wants it renewed early, as a page for people. */
  readonly explanationUrl: string | undefined;
}

export interface ManagedCertificateOptions extends RenewalMeans {
  /** Aborted at the end of the process. */
  readonly signal: AbortSignal;
  readonly report: (event: AutomationEvent) => void;
  readonly onCertificate: (name: string, material: TlsMaterial) => void;
  /** Asked before each order; always yes when absent. */
  readonly permit?: (signal: AbortSignal) => Promise<boolean>;
}

/** `save` what could not be stored, `ask` the authority when it wants a renewal, `renew`. */
export type Duty = 'save' | 'ask' | 'renew';

const minute = 60_000;
const day = 86_400_000;
/** Attempts in an hour, whatever the clocks and the people at the keyboard say. */
const attemptsPerHour = 4;

const onLate = (): Error =>
  new IssueError('E_ACME_UNREACHABLE', 'the certificate authority did not answer within a minute');

/**
 * One certificate, its place on disk, and what is to be done about it. At most one of its methods that return a promise
 * runs at a time.
 */
export class ManagedCertificate {
  readonly name: string;
  readonly #options: ManagedCertificateOptions;
  #material: TlsMaterial | undefined;
  #record: RenewalRecord;
  #stamp: string | undefined;
  #step: IssueStep | undefined;
  /** The certificate in service, or its record, is not on disk yet. */
  #unsaved = false;
  #reportedUnsaved = false;
  #forced = false;
  /** The following are monotonic milliseconds. */
  #nextAttempt = 0;
  #nextAsk = 0;
  #attempts: readonly number[] = [];
  #storageFailures = 0;
  #askProblem: string | undefined;
  #refused = false;

  private constructor(options: ManagedCertificateOptions, record: RenewalRecord) {
    this.name = options.name;
    this.#options = options;
    this.#record = record;
  }

  /** Reads what is stored; never waits for an authority. */
  static async load(options: ManagedCertificateOptions): Promise<ManagedCertificate> {
    const { name, vault } = options;
    await vault.sweep(name);
    const stamp = await vault.readStamp(name);
    const { material, record, problems } = await vault.load(name);
    const certificate = new ManagedCertificate(options, record);
    certificate.#material = material;
    certificate.#stamp = stamp;
    certificate.#takeRecord(record, true);
    for (const problem of problems) certificate.#warn(problem);
    return certificate;
  }

  get material(): TlsMaterial | undefined {
    return this.#material;
  }

  get facts(): ManagedCertificateFacts {
    const { issuer, lastFailure, nextAttemptAt } = this.#record;
    return {
      name: this.name,
      material: this.#material,
      issuer,
      renewsAt: this.#renewsAt,
      step: this.#step,
      lastFailure,
      nextAttemptAt,
      explanationUrl: this.#window?.explanationUrl,
    };
  }

  /** True when no certificate may be obtained any more and none that is valid is left. */
  get isAbandoned(): boolean {
    const end = this.#material?.facts.notAfter ?? 0;
    return this.#refused && this.#options.clock.now() >= end;
  }

  /** Asks for a renewal as soon as possible, also when none is due. */
  force(): void {
    this.#forced = true;
  }

  /** Compares numbers only. */
  toDuty(): Duty | undefined {
    const { clock, issuers } = this.#options;
    const elapsed = clock.monotonic();
    // Before saving, which may be in vain for as long as Redis is full or away; what is renewed is saved as well.
    if (this.#forced) return 'renew';
    if (this.#isRenewalDue() && this.#countAttempts(elapsed) < attemptsPerHour) return 'renew';
    if (this.#unsaved) return 'save';
    const askable = this.#material !== undefined && issuers.some(({ id }) => id === this.#record.issuer);
    return askable && elapsed >= this.#nextAsk ? 'ask' : undefined;
  }

  /** Rejects only when a defect shows. */
  async perform(duty: Duty): Promise<void> {
    switch (duty) {
      case 'save':
        return this.#save();
      case 'ask':
        return this.#ask();
      case 'renew':
        return this.#renew();
    }
  }

  /** Takes up a certificate that somebody else has stored. */
  async look(): Promise<void> {
    if (this.#unsaved) return;
    const stamp = await this.#options.vault.readStamp(this.name);
    if (stamp === this.#stamp || stamp === undefined) return;
    await this.#reload();
  }

  get #window(): RenewalRecord['window'] {
    const { window } = this.#record;
    return window?.serialNumber === this.#material?.facts.serialNumber ? window : undefined;
  }

  get #renewsAt(): number | undefined {
    const validity = this.#material?.facts;
    if (validity === undefined) return undefined;
    const { earlyRenewals } = this.#record;
    return toRenewalTime({ validity, window: this.#window, earlyRenewals });
  }

  /** The wait is over by either clock: the wall clock may have been set back, the other one may have slept. */
  #isRenewalDue(): boolean {
    const { clock } = this.#options;
    const now = clock.now();
    if (now < (this.#renewsAt ?? 0)) return false;
    const { nextAttemptAt } = this.#record;
    return nextAttemptAt === undefined || now >= nextAttemptAt || clock.monotonic() >= this.#nextAttempt;
  }

  #countAttempts(elapsed: number): number {
    return this.#attempts.filter((at) => at > elapsed - 60 * minute).length;
  }

  /** Another date than before is put on the own clock; one that is too far away comes from a clock that was wrong. */
  #takeRecord(record: RenewalRecord, first = false): void {
    const { clock } = this.#options;
    const changed = first || record.nextAttemptAt !== this.#record.nextAttemptAt;
    this.#record = record;
    if (!changed) return;
    const wait = (record.nextAttemptAt ?? 0) - clock.now();
    this.#nextAttempt = clock.monotonic() + (wait > longestBackoff ? 0 : Math.max(0, wait));
  }

  /** True when there was another certificate than the one in service, which is in service now. */
  async #reload(): Promise<boolean> {
    const { vault, onCertificate, report } = this.#options;
    const stamp = await vault.readStamp(this.name);
    const { material, record, problems } = await vault.load(this.name);
    for (const problem of problems) this.#warn(problem);
    if (material === undefined) {
      // Lost or damaged on disk, and in order here.
      this.#unsaved = this.#material !== undefined;
      if (problems.length === 0) this.#takeRecord(record);
      return false;
    }
    // What could not be stored yet does not give way to what was stored before it.
    if (this.#unsaved && material.facts.notBefore <= (this.#material?.facts.notBefore ?? 0)) return false;
    this.#stamp = stamp;
    this.#takeRecord(record);
    if (material.facts.serialNumber === this.#material?.facts.serialNumber) return false;
    this.#material = material;
    this.#nextAsk = 0;
    onCertificate(this.name, material);
    report({ kind: 'adopted', name: this.name, facts: material.facts });
    return true;
  }

  async #save(): Promise<void> {
    const { vault } = this.#options;
    try {
      if (this.#material !== undefined) {
        await vault.store(this.name, this.#material);
        this.#stamp = await vault.readStamp(this.name);
      }
      await vault.storeRecord(this.name, this.#record);
      this.#unsaved = false;
      this.#reportedUnsaved = false;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      this.#unsaved = true;
      if (this.#reportedUnsaved) return;
      this.#reportedUnsaved = true;
      const { code, hint } = error;
      const message = `the certificate serves from memory until it can be stored: ${error.message}`;
      this.#warn({ severity: 'warning', code, message, fix: hint });
    }
  }

  async #ask(): Promise<void> {
    const { clock, issuers, random, signal, vault } = this.#options;
    const material = this.#material;
    const issuer = issuers.find(({ id }) => id === this.#record.issuer);
    if (material === undefined || issuer === undefined) return;
    try {
      const info = await withDeadline({ clock, signal, milliseconds: minute, onLate }, (limited) =>
        issuer.renewalInfo(material, limited),
      );
      this.#nextAsk = clock.monotonic() + toSilence(info?.retryAfter ?? Number.POSITIVE_INFINITY);
      const { serialNumber } = material.facts;
      const previous = this.#window;
      const window = info && selectMoment({ info, validity: material.facts, serialNumber, previous, random });
      this.#askProblem =
        info !== undefined && window === undefined
          ? this.#reportAskProblem(issuer, 'the window it names makes no sense')
          : undefined;
      if (window === previous) return;
      // Another process may have written meanwhile; what it counted must stay.
      this.#takeRecord({ ...(await vault.loadRecord(this.name)), window });
      await vault.storeRecord(this.name, this.#record);
    } catch (error) {
      if (signal.aborted) return;
      const retryAfter = error instanceof IssueError ? error.retryAfter : undefined;
      this.#nextAsk = clock.monotonic() + toSilence(retryAfter);
      if (!isGatewayError(error)) throw error;
      // A moment that cannot be stored is kept in memory, and drawn anew after a restart.
      if (error.code === 'E_STATE_UNWRITABLE' || error.code === 'E_STATE_UNREACHABLE') return;
      this.#askProblem = this.#reportAskProblem(issuer, error.message);
    }
  }

  /** Once, not twice a day for a year. */
  #reportAskProblem(issuer: CertificateIssuer, problem: string): string {
    if (problem !== this.#askProblem) {
      const message = `${issuer.title} does not say when to renew \`${this.name}\`: ${problem}`;
      this.#warn({ severity: 'warning', code: 'E_ACME_RENEWAL_INFO', message });
    }
    return problem;
  }

  async #renew(): Promise<void> {
    const { clock, permit, random, signal, vault } = this.#options;
    const forced = this.#forced;
    this.#forced = false;
    const elapsed = clock.monotonic();
    if (this.#countAttempts(elapsed) >= attemptsPerHour) {
      const error = new IssueError('E_ACME_LIMIT', `${attemptsPerHour} attempts within an hour are enough`);
      this.#takeRecord({ ...this.#record, lastFailure: toLastFailure(error, clock.now()) });
      this.#fail(error);
      await vault.storeRecord(this.name, this.#record);
      return;
    }
    this.#attempts = [...this.#attempts.filter((at) => at > elapsed - 60 * minute), elapsed];
    try {
      this.#refused = permit !== undefined && !(await permit(signal));
      if (this.#refused) {
        this.#takeRecord({ ...this.#record, nextAttemptAt: clock.now() + day });
        return;
      }
      await vault.checkWritable(this.name);
      const lock = await vault.lock(this.name, { clock, random, signal });
      try {
        await this.#renewLocked(lock, forced);
      } finally {
        this.#step = undefined;
        await lock.release();
      }
      this.#storageFailures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (!isGatewayError(error)) throw error;
      await this.#onObstacle(error);
    }
  }

  /** While this process waited for the lock, another one may have renewed, or tried in vain. */
  async #renewLocked(lock: Lock, forced: boolean): Promise<void> {
    const { clock, onCertificate, report, signal } = this.#options;
    if (await this.#reload()) return;
    if (this.#unsaved) await this.#save();
    if (!forced && !this.#isRenewalDue()) return;
    const begun = clock.monotonic();
    const outcome = await runRenewal({
      ...this.#options,
      signal: AbortSignal.any([signal, lock.lost]),
      closing: signal,
      material: this.#material,
      record: this.#record,
      window: this.#window,
      onRecord: (record) => this.#takeRecord(record),
      onStep: (issuer, step) => {
        this.#step = step;
        const elapsed = clock.monotonic() - begun;
        report({ kind: 'step', name: this.name, step, issuer: issuer.title, elapsed });
      },
    });
    const { failures, issued } = outcome;
    for (const failure of issued === undefined ? failures.slice(1) : failures) {
      const { code, message, hint } = failure.error;
      this.#warn({ severity: 'warning', code, message: `${failure.issuer.title}: ${message}`, fix: hint });
    }
    if (issued === undefined) {
      const [first] = failures;
      this.#fail(first?.error ?? new GatewayError('E_INTERNAL', 'there is no issuer to ask'));
      return;
    }
    this.#material = issued.material;
    this.#forced = false;
    this.#nextAsk = 0;
    onCertificate(this.name, issued.material);
    const elapsed = clock.monotonic() - begun;
    const { facts } = issued.material;
    report({ kind: 'issued', name: this.name, facts, issuer: issued.issuer.title, elapsed });
    await this.#save();
  }

  /** Nothing was ordered: the disk is full or read-only, Redis is away, or the lock was lost. */
  async #onObstacle(error: GatewayError): Promise<void> {
    const { clock, random, vault } = this.#options;
    this.#storageFailures++;
    const validity = this.#material?.facts;
    const now = clock.now();
    const wait = toBackoff({
      failures: this.#storageFailures,
      code: error.code,
      retryAfter: undefined,
      validity,
      now,
      random,
    });
    this.#takeRecord({
      ...this.#record,
      nextAttemptAt: now + wait,
      lastFailure: toLastFailure(error, now),
    });
    this.#fail(error);
    try {
      // For commands, where there is a disk that takes it.
      await vault.storeRecord(this.name, this.#record);
    } catch (failure) {
      // What stands in the way has been told.
      if (!isGatewayError(failure)) throw failure;
    }
  }

  #fail(error: GatewayError): void {
    const nextAttemptAt = this.#record.nextAttemptAt ?? this.#options.clock.now();
    this.#options.report({ kind: 'failed', name: this.name, error, nextAttemptAt });
  }

  #warn(warning: Diagnostic): void {
    this.#options.report({ kind: 'warning', name: this.name, warning });
  }
}
