import type { Clock } from '../lib/clock.ts';
import { pause } from '../lib/pause.ts';
import type { SwapSet } from '../lib/swap-set.ts';
import type { Listeners } from './listening/listeners.ts';
import type { LoginRelay } from './login-relay.ts';
import type { Relay } from './relay.ts';

export interface ShutdownOptions {
  readonly clock: Clock;
  /** Those under way. */
  readonly relays: SwapSet<Relay | LoginRelay>;
  readonly listeners: Pick<Listeners, 'drain'>;
  /** Milliseconds that calls may take to finish, by the configuration of now. */
  readonly drainTime: () => number;
}

/** How long answers given at the very end may take to leave. */
const LAST_FLUSH_MILLISECONDS = 1000;

/** The end of a gateway: calls finish within the drain time, streams end by their era's rule, then everything is closed. */
export class Shutdown {
  readonly #options: ShutdownOptions;
  #parts: readonly { close(): void }[] = [];
  #hasBegun = false;
  #ending: Promise<void> | undefined;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** What is closed at the end, in this order. Closing it twice has to be harmless. */
  closeAtEnd(parts: readonly { close(): void }[]): void {
    this.#parts = parts;
  }

  /** See `Gateway.shutdown`. Idempotent. */
  begin(how: { readonly lingers: boolean }): Promise<void> {
    return (this.#ending ??= this.#run(how));
  }

  /** Cuts it short: what still runs gets an error and ends. */
  hasten(): void {
    this.#giveUp();
    this.#options.clock.setTimeout(() => this.#close(), LAST_FLUSH_MILLISECONDS);
  }

  async #run(how: { readonly lingers: boolean }): Promise<void> {
    const { clock, relays, listeners, drainTime } = this.#options;
    // Before anything else: a relay that leaves asks for it.
    this.#hasBegun = true;
    const drained = listeners.drain(how);
    for (const relay of relays.snapshot()) if (relay.kind === 'mcp' && relay.longLived) relay.leave();
    try {
      await Promise.race([drained, pause(clock, drainTime())]);
      this.#giveUp();
      await Promise.race([drained, pause(clock, LAST_FLUSH_MILLISECONDS)]);
    } finally {
      this.#close();
    }
  }

  #giveUp(): void {
    for (const relay of this.#options.relays.snapshot()) relay.giveUp();
  }

  #close(): void {
    for (const part of this.#parts) part.close();
  }
}
