import { buildNetworkCheck, isLoopbackAddress } from '../lib/networks.ts';

/** Tells whether an address belongs to a proxy whose word about the client is taken. */
export type IsTrusted = (address: string) => boolean;

/** Builds the check from addresses and CIDR blocks, which configuration has validated. */
export function buildTrustedProxies(blocks: readonly string[]): IsTrusted {
  return blocks.length === 0 ? () => false : buildNetworkCheck(blocks);
}

/** True for the address of a peer on this machine, as sockets report it. */
export function isLoopbackPeer(address: string): boolean {
  return isLoopbackAddress(toPlainAddress(address));
}

/** `::ffff:192.0.2.1`, as dual-stack sockets report IPv4 peers, becomes `192.0.2.1`. */
export function toPlainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
