import type { Clock, Timer } from '../../lib/clock.ts';
import type { Probe, ProbeListener } from './probe-connection.ts';
import { rampUp } from './slow-start.ts';
import { judgeResult, unknownVerdict, type Thresholds, type Verdict } from './rise-fall.ts';

/** Whether a server gets new work, by its active checks. */
export type ServerHealth =
  | { readonly kind: 'up'; readonly since: number }
  /** `since`: wall-clock milliseconds; `reason` goes on after the name of the server. */
  | { readonly kind: 'down'; readonly since: number; readonly reason: string };

export interface HealthCheckerOptions extends Thresholds {
  /** Milliseconds from one check to the next, give or take a tenth. */
  readonly interval: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Asks the server once. */
  readonly startProbe: (onResult: ProbeListener) => Probe;
  /** Called when a server that was up is down, and the other way round; never for a first result that is good. */
  readonly onChange: (health: ServerHealth) => void;
}

/** The first check comes within this time, at a random moment: a fleet of gateways starts at once. */
const FIRST_MILLISECONDS = 1000;
const JITTER = 0.2;

/**
 * Checks one server again and again, one check at a time. Moments are random, so that workers and replicas, which all check for
 * themselves, do not beat together.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  #verdict: Verdict = unknownVerdict;
  #health: ServerHealth;
  #timer: Timer | undefined;
  #probe: Probe | undefined;
  /** When it last came back, in milliseconds of the monotonic clock. */
  #backSince: number | undefined;
  #isClosed = false;

  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    this.#health = { kind: 'up', since: options.clock.now() };
    this.#wait(options.random() * Math.min(FIRST_MILLISECONDS, options.interval));
  }

  get health(): ServerHealth {
    return this.#health;
  }

  get isUp(): boolean {
    return this.#health.kind === 'up';
  }

  /** The part of its weight that the server has: one that was down comes back slowly. */
  share(now: number): number {
    return this.#backSince === undefined ? 1 : rampUp(now - this.#backSince);
  }

  /** No more checks, and no more calls. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#probe?.cancel();
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#ask(), milliseconds);
  }

  #ask(): void {
    const { clock, interval, random, rise, fall, startProbe } = this.#options;
    const startedAt = clock.monotonic();
    this.#probe = startProbe((result) => {
      if (this.#isClosed) return;
      this.#probe = undefined;
      this.#verdict = judgeResult(this.#verdict, result.kind === 'passed', { rise, fall });
      const next = interval * (1 - JITTER / 2 + JITTER * random());
      this.#wait(Math.max(1, next - (clock.monotonic() - startedAt)));
      if (result.kind === 'failed' && !this.#verdict.isUp) this.#fall(result.reason);
      else if (this.#verdict.isUp && this.#health.kind === 'down') this.#rise();
    });
  }

  /** The reason of the moment is kept; that it changes is no change of the server. */
  #fall(reason: string): void {
    const wasUp = this.#health.kind === 'up';
    const since = wasUp ? this.#options.clock.now() : this.#health.since;
    this.#health = { kind: 'down', since, reason };
    if (wasUp) this.#options.onChange(this.#health);
  }

  #rise(): void {
    const { clock } = this.#options;
    this.#backSince = clock.monotonic();
    this.#health = { kind: 'up', since: clock.now() };
    this.#options.onChange(this.#health);
  }
}
