/**
 * What addresses are counted by: an IPv4 address itself, an IPv6 address by its /64, since that is what one subscriber gets
 * and may change within at will (RFC 6177, RFC 8981). IPv4 in IPv6 (RFC 4291 section 2.5.5.2) is IPv4, and any other text
 * stands for itself.
 */
export function toAddressGroup(address: string): string {
  if (!address.includes(':')) return address;
  return canonicalPrefix.exec(address)?.[1]?.concat('::/64') ?? toGroup(address);
}

/** Four parts, written as sockets do: which is what nearly every address is. */
const canonicalPrefix = /^([1-9a-f][0-9a-f]{0,3}(?::(?:0|[1-9a-f][0-9a-f]{0,3})){3}):/;

function toGroup(address: string): string {
  const zone = address.indexOf('%');
  const text = (zone === -1 ? address : address.slice(0, zone)).toLowerCase();
  const gap = text.indexOf('::');
  const head = toParts(gap === -1 ? text : text.slice(0, gap));
  const tail = gap === -1 ? [] : toParts(text.slice(gap + 2));
  const last = tail.at(-1) ?? head.at(-1) ?? '';
  // A dotted quad at the end takes the place of two parts.
  const parts = head.length + tail.length + (last.includes('.') ? 1 : 0);
  if (parts > 8 || (gap === -1 && parts !== 8)) return address;
  const zeros: readonly string[] = gap === -1 ? [] : Array<string>(8 - parts).fill('0');
  const all = [...head, ...zeros, ...tail];
  return toMappedAddress(all) ?? `${all.slice(0, 4).map(toShortPart).join(':')}::/64`;
}

function toParts(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

/** Leading zeros are as many spellings of one part. */
function toShortPart(part: string): string {
  return part.replace(/^0+(?=.)/, '');
}

function toMappedAddress(parts: readonly string[]): string | undefined {
  if (toShortPart(parts[5] ?? '') !== 'ffff') return undefined;
  if (parts.slice(0, 5).some((part) => toShortPart(part) !== '0')) return undefined;
  const [, , , , , , high = '', low] = parts;
  if (low === undefined) return high;
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 255, second >> 8, second & 255].join('.');
}
