import { lookup } from 'node:dns/promises';

/** The addresses of a host name, in an order that is the same everywhere; rejects where there are none. */
export type ResolveAddresses = (host: string) => Promise<readonly string[]>;

/**
 * Asks the system as each connection does, with its hosts file and search domains (getaddrinfo(3)), by which headless services of
 * Kubernetes are named; a query of our own would know of neither. Of a name with both families it is the one that the system prefers
 * (RFC 6724): with both, a server would be there twice.
 */
export const resolveBySystem: ResolveAddresses = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return selectAddresses(found);
};

/** Addresses of the first one's family, each once, sorted. */
export function selectAddresses(
  found: readonly { readonly address: string; readonly family: number }[],
): readonly string[] {
  const family = found[0]?.family;
  const addresses = found.filter((each) => each.family === family).map(({ address }) => address);
  return [...new Set(addresses)].toSorted();
}
