import { isLoopbackHost } from '../lib/networks.ts';
import type { ListenAddress } from './config.ts';
import type { Draft } from './sections.ts';

export interface Listeners {
  readonly listen: ListenAddress;
  readonly plainHttp: ListenAddress | undefined;
  readonly authz: ListenAddress | undefined;
}

/** Fills in the addresses that settings leave open; `undefined` when one of the settings is not valid. */
export function resolveListeners(draft: Draft): Listeners | undefined {
  if (!('listen' in draft) || !('plain_http' in draft) || !('authz' in draft)) return undefined;
  if (draft.domains === undefined) return undefined;
  const isPublic = draft.domains.length > 0;
  const listen = {
    host: draft.listen?.host ?? (isPublic ? '0.0.0.0' : '127.0.0.1'),
    port: draft.listen?.port ?? (isPublic ? 443 : 8443),
  };
  return { listen, plainHttp: toPlainHttp(draft.plain_http, listen), authz: draft.authz };
}

function toPlainHttp(setting: Draft['plain_http'], listen: ListenAddress): ListenAddress | undefined {
  if (setting === false) return undefined;
  if (setting !== undefined) return { host: setting.host ?? listen.host, port: setting.port };
  return listen.port === 443 ? { host: listen.host, port: 80 } : undefined;
}

/** All of them, each with the name of its setting. */
export function listListeners({
  listen,
  plainHttp,
  authz,
}: Listeners): { name: string; address: ListenAddress }[] {
  return [
    { name: 'listen', address: listen },
    ...(plainHttp === undefined ? [] : [{ name: 'plain_http', address: plainHttp }]),
    ...(authz === undefined ? [] : [{ name: 'authz', address: authz }]),
  ];
}

/** True when a connection to the target would arrive at the listener, as far as names tell. */
export function isSameEndpoint(
  listener: ListenAddress,
  target: ListenAddress,
  ownNames: readonly string[] = [],
): boolean {
  if (listener.port === 0 || listener.port !== target.port) return false;
  if (listener.host === target.host || ownNames.includes(target.host)) return true;
  if (isWildcard(listener.host)) return isWildcard(target.host) || isLoopbackHost(target.host);
  if (isWildcard(target.host)) return isLoopbackHost(listener.host);
  const byName = listener.host === 'localhost' || target.host === 'localhost';
  return byName && isLoopbackHost(listener.host) && isLoopbackHost(target.host);
}

/** An address that stands for all of this machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
