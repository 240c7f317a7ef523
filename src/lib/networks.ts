import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Builds the check whether an address is in one of some networks: CIDR blocks and single addresses, which are valid. What is no address
 * is in none of them, and an IPv4 address in IPv6 dress (`::ffff:10.0.0.1`) is where the IPv4 address is.
 */
export function buildNetworkCheck(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/**
 * True for an address that leads to this machine alone (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3), in its shortest spelling.
 * An IPv4 address in IPv6 dress is none: whoever is given such addresses takes the dress off.
 */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (address.startsWith('127.') && isIPv4(address));
}

/** The same for the host of a URL or a setting, in lower case: an address with or without brackets, or `localhost` (RFC 6761 section 6.3). */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || isLoopbackAddress(host);
}
