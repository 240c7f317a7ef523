import type { Clock } from '../../lib/clock.ts';
import { Leases, type Lease } from '../../lib/leases.ts';
import { toServerName } from '../server.ts';
import type { UpstreamTarget } from '../target.ts';
import { HealthChecker, type ServerHealth } from './health-checker.ts';
import { startProbe, type HealthCheck } from './probe.ts';
import type { Thresholds } from './rise-fall.ts';

/** How servers are checked. Times are milliseconds. */
export interface HealthSettings extends Thresholds {
  readonly check: HealthCheck;
  readonly interval: number;
  readonly timeout: number;
}

export interface HealthChecksOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Shared by all checks: each read is handed on before the next one happens. */
  readonly readBuffer: Buffer;
  /** Called once for each change, with the name of the server. */
  readonly onChange: (server: string, health: ServerHealth) => void;
}

/** The checks of a process. Who wants a server checked in the same way gets the same checks, across configurations too. */
export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #checkers = new Leases<HealthChecker>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Servers that are being checked. */
  get size(): number {
    return this.#checkers.size;
  }

  hold(target: UpstreamTarget, settings: HealthSettings): Lease<HealthChecker> {
    const { clock, random, readBuffer, onChange } = this.#options;
    const { check, timeout, interval, rise, fall } = settings;
    return this.#checkers.hold(
      JSON.stringify([target, check, interval, timeout, rise, fall]),
      () =>
        new HealthChecker({
          interval,
          rise,
          fall,
          clock,
          random,
          startProbe: (onResult) => startProbe(check, { target, timeout, clock, readBuffer }, onResult),
          onChange: (health) => onChange(toServerName(target), health),
        }),
    );
  }
}
