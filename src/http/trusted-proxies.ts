import { BlockList, isIP, isIPv6 } from 'node:net';

/** Tells whether an address belongs to a proxy whose word about the client is taken. */
export type IsTrusted = (address: string) => boolean;

/** Builds the check from addresses and CIDR blocks, which configuration has validated. */
export function buildTrustedProxies(blocks: readonly string[]): IsTrusted {
  if (blocks.length === 0) return () => false;
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', bits] = block.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** True for an address that only this machine itself can have. */
export function isLoopback(address: string): boolean {
  const plain = toPlainAddress(address);
  return plain.startsWith('127.') || plain === '::1';
}

/** `::ffff:192.0.2.1`, as dual-stack sockets report IPv4 peers, becomes `192.0.2.1`. */
export function toPlainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
