import { isLoopbackHost } from '../lib/networks.ts';
import { isWildcardName } from '../lib/wildcard-name.ts';
import type { Config } from './config.ts';
import { isWildcard } from './listeners.ts';
import { toAuthority } from './schema/host-name.ts';

export interface NameSettings extends Pick<Config, 'domains' | 'hosts' | 'publicUrl'> {
  /** Address that is listened on. */
  readonly address: string;
}

/**
 * The names that requests may be for, as in `domains`, those first that clients should use: wildcards come behind other domains. The
 * addresses of the machine that a gateway without domains answers to on a wildcard address are not among them.
 */
export function listPublicNames({ domains, hosts, publicUrl, address }: NameSettings): readonly string[] {
  const configured = publicUrl === undefined ? [] : [new URL(publicUrl).host];
  return [
    ...configured.flatMap(toName),
    ...domains.filter((name) => !isWildcardName(name)),
    ...domains.filter(isWildcardName),
    ...(isLoopbackHost(address) ? ['localhost', '127.0.0.1', '::1'] : []),
    ...(isWildcard(address) ? [] : [address]),
    ...hosts.flatMap(toName),
  ];
}

function toName(authority: string): readonly string[] {
  const host = toAuthority(authority)?.host;
  return host === undefined ? [] : [host];
}
