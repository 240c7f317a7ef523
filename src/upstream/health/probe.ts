import { startDiscoverProbe } from './discover-probe.ts';
import { startHttpProbe } from './http-probe.ts';
import { ProbeConnection, type Probe, type ProbeListener, type ProbeOptions } from './probe-connection.ts';

/**
 * How a server shows that it lives. None of them is `initialize`: each one would leave a session behind, and servers have run out of
 * memory by the checks of their proxies.
 */
export type HealthCheck =
  /** It takes a connection, with TLS where it is spoken. A server that hangs passes: the system takes connections for it. */
  | { readonly kind: 'tcp' }
  /** It answers a GET of this path with 2xx or 3xx. */
  | { readonly kind: 'http'; readonly path: string }
  /** It answers `server/discover` (2026-07-28, Discovery) in JSON-RPC, be it to say that it does not know the method. */
  | { readonly kind: 'discover' };

/** Asks a server once. The listener is called once, unless the probe is cancelled before. */
export function startProbe(check: HealthCheck, options: ProbeOptions, onResult: ProbeListener): Probe {
  switch (check.kind) {
    case 'tcp': {
      const probe = new ProbeConnection(options, onResult);
      probe.onOpen(() => probe.settle({ kind: 'passed' }));
      return probe;
    }
    case 'http':
      return startHttpProbe(check.path, options, onResult);
    case 'discover':
      return startDiscoverProbe(options, onResult);
  }
}
