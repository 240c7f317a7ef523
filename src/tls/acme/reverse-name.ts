import { isIP } from 'node:net';

/** The name under `in-addr.arpa` or `ip6.arpa` of an address (RFC 1035 section 3.5, RFC 3596 section 2.5), without the last dot. */
export function toReverseName(address: string): string {
  if (isIP(address) === 4) return `${address.split('.').toReversed().join('.')}.in-addr.arpa`;
  const nibbles = toGroups(address).map((group) => group.padStart(4, '0'));
  return `${Array.from(nibbles.join('')).toReversed().join('.')}.ip6.arpa`;
}

/** The eight groups of an IPv6 address; the URL parser turns a dotted tail into groups. */
function toGroups(address: string): readonly string[] {
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined) return left;
  const right = tail === '' ? [] : tail.split(':');
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
}
