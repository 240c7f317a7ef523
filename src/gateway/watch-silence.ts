import type { Deadlines, Expiring } from '../http/deadlines.ts';
import type { LoginRelay } from './login-relay.ts';
import type { Relay } from './relay.ts';

export interface SilenceWatchOptions {
  readonly deadlines: Deadlines;
  readonly relays: { snapshot(): Iterable<Relay | LoginRelay> };
  /** Milliseconds since the request, by the configuration of now; `undefined` for never. */
  readonly after: () => number | undefined;
}

/**
 * Begins the answers of calls whose upstream is silent for long, so that what cuts silent connections leaves them alone. Hardly any call
 * takes that long, so none pays for it: each sweep of the deadlines looks at all that is open.
 */
export class SilenceWatch implements Expiring {
  place = -1;
  /** It stays in the past: the watch is due at each sweep. */
  deadline = 0;
  readonly #options: SilenceWatchOptions;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    this.update();
  }

  /** To be called when the configuration has changed. */
  update(): void {
    const { deadlines, after } = this.#options;
    if (after() === undefined) deadlines.delete(this);
    else deadlines.add(this);
  }

  expire(now: number): void {
    const { relays, after } = this.#options;
    const limit = after() ?? Number.POSITIVE_INFINITY;
    for (const relay of relays.snapshot()) {
      if (relay.kind === 'mcp' && now - relay.exchange.startedAt >= limit) relay.defer();
    }
  }

  close(): void {
    this.#options.deadlines.delete(this);
  }
}
