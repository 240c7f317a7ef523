import { isIP } from 'node:net';
import { derPrimitive } from './der.ts';

/** A DNS name or IP address as RFC 5280 section 4.2.1.6 encodes it: dNSName is tag 2, iPAddress is tag 7. */
export function generalName(name: string): Buffer {
  return isIP(name) === 0
    ? derPrimitive(2, Buffer.from(name, 'latin1'))
    : derPrimitive(7, toAddressBytes(name));
}

/** One spelling for each name: lower case, no trailing dot, IPv6 addresses in their shortest form. A zone stays as it is. */
export function toCanonicalName(name: string): string {
  return isIP(name) === 6 && !name.includes('%')
    ? toShortAddress(name)
    : name.toLowerCase().replace(/\.$/, '');
}

/** The 4 or 16 bytes of an IP address without zone; the text must be one that `net.isIP` accepts. */
export function toAddressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // An embedded IPv4 address has become hexadecimal groups here, so that only the gap is left to fill.
  const [head = '', tail] = toShortAddress(address).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = Array.from<string>({ length: 8 - before.length - after.length }).fill('0');
  return Buffer.from([...before, ...gap, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function toShortAddress(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
