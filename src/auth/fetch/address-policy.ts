import { isIP, isIPv6 } from 'node:net';
import { buildNetworkCheck, isLoopbackAddress } from '../../lib/networks.ts';

/** What the IANA IPv4 special-purpose registry does not call plain public, with multicast and the reserved rest. */
const isSpecialIpv4 = buildNetworkCheck([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // A public number that every machine in Azure sees as its host's metadata and agent service.
  '168.63.129.16/32',
]);

/** The only IPv6 space given out for public use (RFC 4291 section 2.4); all else is special or not assigned. */
const isGlobalIpv6 = buildNetworkCheck(['2000::/3']);

/** IANA IPv6 special-purpose registry, as far as it lies in 2000::/3: protocol assignments with Teredo, 6to4, AS112, documentation. */
const isSpecialIpv6 = buildNetworkCheck([
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
]);

/** No identity provider lives here: unspecified, link-local, multicast, reserved, and the metadata services of clouds. */
const isNeverConfigured = buildNetworkCheck([
  '0.0.0.0/8',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '192.0.0.192/32',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::ffff:0:0:0/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2002::/16',
  'fd00:ec2::/32',
  'fd20:ce::/32',
  'fe80::/10',
  'ff00::/8',
]);

/**
 * True for an address that anyone on the internet may be sent to. False for what is not an address, and for all special
 * ranges; an IPv4 address inside an IPv6 one (mapped, or translated by `64:ff9b::/96`) is judged itself.
 */
export function isPublicAddress(address: string): boolean {
  const plain = toPlainAddress(address);
  if (plain === undefined) return false;
  const inner = isIPv6(plain) ? findTranslated(plain) : plain;
  if (inner !== undefined) return !isSpecialIpv4(inner);
  return isGlobalIpv6(plain) && !isSpecialIpv6(plain);
}

/**
 * True for an address that a URL written by the operator may lead to: public and private networks and this machine,
 * but nothing that only exists on a link, and no metadata service.
 */
export function isConfiguredAddress(address: string): boolean {
  const plain = toPlainAddress(address);
  if (plain === undefined) return false;
  const inner = isIPv6(plain) ? findTranslated(plain) : undefined;
  return !isNeverConfigured(inner ?? plain) && !isCompatible(plain);
}

/** True for this machine alone: 127.0.0.0/8 and ::1, mapped ones included. */
export function isOwnAddress(address: string): boolean {
  const plain = toPlainAddress(address);
  return plain !== undefined && isLoopbackAddress(plain);
}

/**
 * One spelling for each address: IPv6 in its shortest form, a mapped IPv4 address (`::ffff:0:0/96`) as the IPv4 address
 * that is really dialled. `undefined` for what is no address, or one with a zone.
 */
export function toPlainAddress(address: string): string | undefined {
  if (isIP(address) === 0) return undefined;
  if (!isIPv6(address)) return address;
  // The URL parser of the platform writes IPv6, and knows no zones; a reader of our own could disagree with it.
  const short = URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1);
  if (short === undefined) return undefined;
  return findEmbedded(short, '::ffff:') ?? short;
}

/** The IPv4 address that a NAT64 gateway makes of one in the well-known prefix (RFC 6052 section 2.1). */
function findTranslated(plain: string): string | undefined {
  return findEmbedded(plain, '64:ff9b::');
}

/** IPv4-compatible addresses (`::/96`, RFC 4291 section 2.5.5.1) are dead, but some stacks still unpack them. */
function isCompatible(plain: string): boolean {
  return plain !== '::1' && findEmbedded(plain, '::') !== undefined;
}

/** The last 32 bits of a shortest-form address as IPv4, when the prefix is all that stands before them. */
function findEmbedded(short: string, prefix: string): string | undefined {
  if (!short.startsWith(prefix)) return undefined;
  const groups = short.slice(prefix.length).split(':');
  if (groups.length > 2 || !groups.every((group) => /^[0-9a-f]{0,4}$/.test(group))) return undefined;
  const [high, low] = groups.length === 2 ? groups : ['0', groups[0]];
  const bits = [Number.parseInt(high || '0', 16), Number.parseInt(low || '0', 16)];
  return bits.flatMap((group) => [group >> 8, group & 255]).join('.');
}
