import { formatAuthority } from '../lib/authority.ts';
import type { FrontUpstream } from './front.ts';

/** Host and port, the port left out where it is the usual one of the scheme. */
export function toShortAuthority(place: {
  readonly host: string;
  readonly port: number;
  readonly usual: number;
}): string {
  const { host, port, usual } = place;
  const authority = formatAuthority(host, port);
  return port === usual ? authority.slice(0, authority.lastIndexOf(':')) : authority;
}

/** What an upstream knows itself by: servers with a Host guard accept nothing else. */
export function toUpstreamHost(upstream: FrontUpstream): string {
  if (upstream.kind === 'unix') return 'localhost';
  return toShortAuthority({ ...upstream, usual: upstream.secure ? 443 : 80 });
}
