import { lookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { DnsFacts, Target } from '../facts.ts';

/** Asks for the addresses of the target as clients do: by the system, hosts file included. Never rejects. */
export async function gatherDns(
  target: Target,
  { deadline }: { readonly deadline: number },
): Promise<DnsFacts> {
  const { host } = target;
  const family = isIP(host);
  if (family !== 0) {
    return {
      name: '',
      ipv4: family === 4 ? [host] : [],
      ipv6: family === 6 ? [host] : [],
      failures: [],
      took: 0,
    };
  }
  const started = performance.now();
  const found = await resolve(host, deadline);
  return {
    name: host,
    ipv4: pick(found.addresses, 4),
    ipv6: pick(found.addresses, 6),
    failures: found.failures,
    took: Math.round(performance.now() - started),
  };
}

interface Found {
  readonly addresses: readonly LookupAddress[];
  readonly failures: readonly string[];
}

function resolve(host: string, deadline: number): Promise<Found> {
  const { promise, resolve: settle } = Promise.withResolvers<Found>();
  // The system's resolver cannot be interrupted: its answer is of no interest any more once time is up.
  const timer = setTimeout(() => settle({ addresses: [], failures: ['ETIMEOUT'] }), deadline);
  lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
    clearTimeout(timer);
    settle(
      error === null
        ? { addresses, failures: [] }
        : { addresses: [], failures: [error.code ?? error.message] },
    );
  });
  return promise;
}

function pick(addresses: readonly LookupAddress[], family: 4 | 6): readonly string[] {
  return [...new Set(addresses.filter((each) => each.family === family).map(({ address }) => address))];
}
