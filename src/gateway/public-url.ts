import { networkInterfaces } from 'node:os';
import type { Config } from '../config/config.ts';
import { toAudience } from './audience.ts';
import { isWildcard, toHostName } from './host-names.ts';

/** The URL clients use for a path: under the first domain (that is no wildcard, if there is one), `localhost` on loopback, else the address. */
export function toPublicUrl(config: Config, place: { readonly port: number; readonly path: string }): string {
  const port = place.port === 443 ? '' : `:${place.port}`;
  return `https://${toPublicHost(config)}${port}${place.path}`;
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
