import type { ApiKeyConfig, AuthConfig, Config } from './config.ts';
import { deepFreeze } from './freeze.ts';

/** A configuration whose every route also accepts these keys, but for those that admit client certificates; routes without access control become locked. */
export function withKeys(config: Config, keys: readonly ApiKeyConfig[]): Config {
  const lock = (auth: AuthConfig): AuthConfig => {
    if (auth.kind === 'certificates') return auth;
    const present = auth.kind === 'keys' ? auth.keys : [];
    const known = new Set(present.map(({ sha256 }) => sha256));
    return { kind: 'keys', keys: [...present, ...keys.filter(({ sha256 }) => !known.has(sha256))] };
  };
  const routes = config.routes.map((route) => ({ ...route, auth: lock(route.auth) }));
  return deepFreeze({ ...config, routes });
}
