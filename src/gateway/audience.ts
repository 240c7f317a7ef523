import { BlockList, isIP, isIPv6 } from 'node:net';

/** Who can reach a listener: this machine, the local network, or anyone. */
export type Audience = 'PRIVATE' | 'LAN' | 'PUBLIC';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const local = new BlockList();
local.addSubnet('10.0.0.0', 8, 'ipv4');
local.addSubnet('172.16.0.0', 12, 'ipv4');
local.addSubnet('192.168.0.0', 16, 'ipv4');
local.addSubnet('169.254.0.0', 16, 'ipv4');
local.addSubnet('100.64.0.0', 10, 'ipv4');
local.addSubnet('fc00::', 7, 'ipv6');
local.addSubnet('fe80::', 10, 'ipv6');

/** Judges a listen address; what cannot be told to be private, such as a wildcard or a name, counts as public. */
export function toAudience(host: string): Audience {
  if (host === 'localhost') return 'PRIVATE';
  if (isIP(host) === 0) return 'PUBLIC';
  const family = isIPv6(host) ? 'ipv6' : 'ipv4';
  if (loopback.check(host, family)) return 'PRIVATE';
  return local.check(host, family) ? 'LAN' : 'PUBLIC';
}
