import { networkInterfaces } from 'node:os';
import type { Config, RouteConfig } from '../config/config.ts';
import { isWildcard } from '../config/listeners.ts';
import { listPublicNames } from '../config/public-names.ts';
import { isTakenHost } from '../config/route-id.ts';
import { toHostName } from './host-names.ts';

/** A route, and the port that was bound for it, where the configuration left that open. */
export interface PublicPlace extends Pick<RouteConfig, 'host' | 'path'> {
  readonly port?: number;
}

/**
 * The URL clients use for a route. Of a route without a host it is one that leads there, under no name that has a route of its own at
 * the path: tokens are for this URL, and no two routes have the same.
 */
export function toPublicUrl(config: Config, { host, path, port = config.listen.port }: PublicPlace): string {
  const isTaken = (name: string): boolean => host === undefined && isTakenHost(config.routes, path, name);
  return `${buildOrigin(config, { host, port, isTaken })}${path}`;
}

/** The origin clients use, whatever the route: that of the authorization server, too. */
export function toOrigin(config: Config, port: number = config.listen.port): string {
  return buildOrigin(config, { host: undefined, port, isTaken: () => false });
}

interface WantedOrigin {
  readonly host: string | undefined;
  readonly port: number;
  readonly isTaken: (name: string) => boolean;
}

/**
 * The one that is configured, else under the first domain (that is no wildcard, if there is one), `localhost` on loopback, or the
 * address.
 */
function buildOrigin(config: Config, { host, port, isTaken }: WantedOrigin): string {
  const configured = config.publicUrl === undefined ? undefined : new URL(config.publicUrl);
  const shown = configured === undefined ? (port === 443 ? '' : `${port}`) : configured.port;
  const name = host ?? findPublicName(config, isTaken);
  return `https://${toHostName(name)}${shown === '' ? '' : `:${shown}`}`;
}

/** Of a gateway that answers to the addresses of its machine, one of these comes before what `hosts` adds. */
function findPublicName(config: Config, isTaken: (name: string) => boolean): string {
  const { domains, hosts, listen } = config;
  const find = (others: readonly string[]): string | undefined =>
    listPublicNames({ ...config, hosts: others, address: listen.host }).find((name) => !isTaken(name));
  const hasAddresses = isWildcard(listen.host) && domains.length === 0;
  return find([]) ?? (hasAddresses ? findOutwardAddress(isTaken) : undefined) ?? find(hosts) ?? 'localhost';
}

function findOutwardAddress(isTaken: (name: string) => boolean): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return addresses.find(
    ({ internal, family, address }) => !internal && family === 'IPv4' && !isTaken(address),
  )?.address;
}
