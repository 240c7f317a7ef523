import type { AuthConfig, Config } from './config.ts';
import { deepFreeze } from './freeze.ts';

/**
 * A configuration whose every route also accepts the keys of the state store, but for those that are locked in other ways
 * alone; routes without access control become locked.
 */
export function withStoredKeys(config: Config): Config {
  const lock = (auth: AuthConfig): AuthConfig => {
    if (auth.kind === 'none') {
      const keys = { listed: [], stored: true };
      return { kind: 'required', keys, certificates: undefined, oauth: undefined };
    }
    return auth.keys === undefined ? auth : { ...auth, keys: { ...auth.keys, stored: true } };
  };
  const routes = config.routes.map((route) => ({ ...route, auth: lock(route.auth) }));
  return deepFreeze({ ...config, routes });
}
