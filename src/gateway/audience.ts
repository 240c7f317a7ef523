import { buildNetworkCheck } from '../lib/networks.ts';

/** Who can reach a listener: this machine, the local network, or anyone. */
export type Audience = 'PRIVATE' | 'LAN' | 'PUBLIC';

/** In every spelling that can be listened on. */
const isLoopback = buildNetworkCheck(['127.0.0.0/8', '::1']);

/** With the shared space of carriers and overlay networks (RFC 6598), which no certificate of the local authority is for. */
const isLocal = buildNetworkCheck([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  'fe80::/10',
]);

/** Judges a listen address; what cannot be told to be private, such as a wildcard or a name, counts as public. */
export function toAudience(host: string): Audience {
  if (host === 'localhost' || isLoopback(host)) return 'PRIVATE';
  return isLocal(host) ? 'LAN' : 'PUBLIC';
}
