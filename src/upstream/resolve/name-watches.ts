import type { Clock } from '../../lib/clock.ts';
import { Leases, type Lease } from '../../lib/leases.ts';
import { AddressWatch } from './address-watch.ts';
import type { ResolveAddresses } from './system-resolver.ts';

export interface NameWatchesOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly resolve: ResolveAddresses;
  /** Called once when a name cannot be resolved any more, with the reason, and once, without, when it can again. */
  readonly onTrouble: (host: string, reason: string | undefined) => void;
}

/** The names that a process watches. Who wants the same one gets the same watch, across configurations too. */
export class NameWatches {
  readonly #options: NameWatchesOptions;
  readonly #watches = new Leases<AddressWatch>();

  constructor(options: NameWatchesOptions) {
    this.#options = options;
  }

  hold(host: string): Lease<AddressWatch> {
    const { onTrouble, ...options } = this.#options;
    return this.#watches.hold(
      host,
      () => new AddressWatch({ ...options, host, onTrouble: (reason) => onTrouble(host, reason) }),
    );
  }
}
