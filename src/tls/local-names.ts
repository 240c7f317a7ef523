import { isIP } from 'node:net';
import { derConstructed, derPrimitive, derSequence } from './der.ts';
import { toAddressBytes } from './general-name.ts';
import { buildExtension } from './x509-builder.ts';

/** Domains that never exist on the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`), each with all below it. */
const localDomains: readonly string[] = ['localhost', 'local', 'lan', 'internal', 'test', 'home.arpa'];

/** Loopback, private, link-local and unique local networks (RFC 1122, RFC 1918, RFC 3927, RFC 4193, RFC 4291). */
const localNetworks: readonly (readonly [address: string, prefix: number])[] = [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
];

const hostName =
  /^(?=.{1,253}$)(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a lower-case host name or an address without zone that the local authority may sign for. */
export function isLocalName(name: string): boolean {
  if (isIP(name) !== 0) return !name.includes('%') && isLocalAddress(toAddressBytes(name));
  return hostName.test(name) && localDomains.some((domain) => name === domain || name.endsWith(`.${domain}`));
}

/**
 * The critical NameConstraints of the authority (RFC 5280 section 4.2.1.10). A stolen authority key is worth nothing
 * against any other site: every client refuses what it signs for a public name.
 */
export function buildLocalNameConstraints(): Buffer {
  const domains = localDomains.map((domain) => derPrimitive(2, Buffer.from(domain, 'latin1')));
  const networks = localNetworks.map(([address, prefix]) => {
    const bytes = toAddressBytes(address);
    return derPrimitive(7, Buffer.concat([bytes, toMask(prefix, bytes.length)]));
  });
  const permitted = [...domains, ...networks].map((base) => derSequence(base));
  return buildExtension('2.5.29.30', derSequence(derConstructed(0, ...permitted)), { critical: true });
}

/** Compares as clients do, so that an IPv4 address in IPv6 dress (`::ffff:10.0.0.1`) is outside. */
function isLocalAddress(bytes: Buffer): boolean {
  return localNetworks.some(([address, prefix]) => {
    const base = toAddressBytes(address);
    const mask = toMask(prefix, base.length);
    return (
      base.length === bytes.length &&
      base.every((byte, index) => byte === ((bytes[index] ?? 0) & (mask[index] ?? 0)))
    );
  });
}

function toMask(prefix: number, length: number): Buffer {
  return Buffer.from(
    Array.from({ length }, (_, index) => 0xff & (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8)))),
  );
}
