import { isIP } from 'node:net';
import { toCanonicalName } from './canonical-name.ts';
import { buildNetworkCheck } from './networks.ts';

/** Domains that never exist on the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`), each with all below it. */
const localDomains: readonly string[] = ['localhost', 'local', 'lan', 'internal', 'test', 'home.arpa'];

/** Loopback, private, link-local and unique local networks (RFC 1122, RFC 1918, RFC 3927, RFC 4193, RFC 4291). */
const localNetworks: readonly string[] = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/**
 * The NameConstraints of the authority (RFC 5280 section 4.2.1.10). A stolen authority key is worth nothing against any
 * other site: every client refuses what it signs for a public name.
 */
export const localNameConstraints: readonly string[] = [...localDomains, ...localNetworks];

const hostName =
  /^(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a lower-case host name or an address without zone that the local authority may sign for. */
export function isLocalName(name: string): boolean {
  if (isIP(name) !== 0) return isLocalAddress(name);
  return hostName.test(name) && localDomains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

const isInLocalNetwork = buildNetworkCheck(localNetworks);

/** As clients see it, an IPv4 address in IPv6 dress (`::ffff:10.0.0.1`) is outside; the networks would let it in. */
function isLocalAddress(address: string): boolean {
  return !/%|^::ffff:/.test(toCanonicalName(address)) && isInLocalNetwork(address);
}
