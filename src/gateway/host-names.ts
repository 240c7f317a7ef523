import { networkInterfaces } from 'node:os';
import { isWildcard } from '../config/listeners.ts';
import { toBracketedHost } from '../lib/authority.ts';
import { isWildcardName, toParentName } from '../lib/wildcard-name.ts';
import { toAudience } from './audience.ts';

/** What a gateway on a loopback address is called besides: no further address of 127.0.0.0/8, since nobody goes there by itself. */
export const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The host names a gateway answers to, in the form of a Host field without port. */
export interface HostNames {
  /** Names and addresses that are compared as a whole. */
  readonly exact: ReadonlySet<string>;
  has(name: string): boolean;
}

/**
 * The host names a gateway answers to: its domains; on a loopback address also `localhost` and the loopback
 * addresses; on a wildcard address without domains the addresses of the machine. Addresses are safe from DNS
 * rebinding, which needs a name. `isObtained` knows the names whose certificates were obtained on demand: each was allowed before.
 */
export function buildHostNames(
  host: string,
  domains: readonly string[],
  isObtained: (name: string) => boolean = () => false,
): HostNames {
  const names = new Set(domains.filter((name) => !isWildcardName(name)).map(toHostName));
  const audience = toAudience(host);
  if (audience === 'PRIVATE') for (const name of loopbackNames) names.add(name);
  if (!isWildcard(host)) names.add(toHostName(host));
  else if (domains.length === 0) {
    names.add('localhost');
    for (const address of listMachineAddresses()) names.add(toHostName(address));
  }
  const parents = new Set(domains.filter(isWildcardName).map((name) => name.slice(1)));
  return {
    exact: names,
    has: (name) => names.has(name) || (parents.size > 0 && isBelow(name, parents)) || isObtained(name),
  };
}

function isBelow(name: string, parents: ReadonlySet<string>): boolean {
  const parent = toParentName(name);
  return parent !== undefined && parents.has(parent);
}

/** An address or name as it stands in a Host field. */
export function toHostName(host: string): string {
  return toBracketedHost(host.toLowerCase());
}

/** The addresses of the machine's network interfaces, loopback included. */
export function listMachineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).map(({ address }) => address),
  );
}
