import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { toAudience } from './audience.ts';
import { isWildcard, toHostName } from './host-names.ts';

/** The URL clients use for a path. `port` is the one that was bound, where the configuration left it open. */
export function toPublicUrl(
  config: Config,
  place: { readonly path: string; readonly port?: number },
): string {
  return `${toOrigin(config, place.port)}${place.path}`;
}

/**
 * The origin clients use: the one that is configured, else under the first domain (that is no wildcard, if there is one), `localhost` on
 * loopback, or the address.
 */
export function toOrigin(config: Config, bound: number = config.listen.port): string {
  if (config.publicUrl !== undefined) return config.publicUrl;
  const port = bound === 443 ? '' : `:${bound}`;
  return `https://${toPublicHost(config)}${port}`;
}

function toPublicHost(config: Config): string {
  const { host } = config.listen;
  const domain = config.domains.find((name) => !name.startsWith('*.')) ?? config.domains[0];
  if (domain !== undefined) return toHostName(domain);
  if (toAudience(host) === 'PRIVATE') return 'localhost';
  if (!isWildcard(host)) return toHostName(host);
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  return outward?.address ?? 'localhost';
}
