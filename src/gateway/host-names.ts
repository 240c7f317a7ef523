import { networkInterfaces } from 'node:os';
import { isIPv6 } from 'node:net';
import { toAudience } from './audience.ts';

/**
 * The host names a gateway answers to, without port: its domains; on a loopback address also `localhost` and
 * the loopback addresses; on a wildcard address without domains the addresses of the machine. Addresses are
 * safe from DNS rebinding, which needs a name.
 */
export function buildHostNames(host: string, domains: readonly string[]): ReadonlySet<string> {
  const names = new Set(domains);
  const audience = toAudience(host);
  if (audience === 'PRIVATE') for (const name of ['localhost', '127.0.0.1', '[::1]']) names.add(name);
  if (!isWildcard(host)) names.add(toHostName(host));
  else if (domains.length === 0) {
    names.add('localhost');
    for (const address of listMachineAddresses()) names.add(toHostName(address));
  }
  return names;
}

/** An address or name as it stands in a Host field. */
export function toHostName(host: string): string {
  return isIPv6(host) ? `[${host.toLowerCase()}]` : host.toLowerCase();
}

/** An address that stands for all of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The addresses of the machine's network interfaces, loopback included. */
export function listMachineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
}
