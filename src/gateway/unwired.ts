import type { Config } from '../config/config.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';

/** What the configuration can say and the path of a request does not obey yet: refused at the start, never ignored. */
export function findUnwired({ routes }: Pick<Config, 'routes'>): Diagnostic | undefined {
  const isUnwired = routes.some(
    ({ auth, rules, credentials }) =>
      rules !== undefined ||
      credentials.kind !== 'none' ||
      (auth.kind === 'required' && auth.oauth !== undefined),
  );
  if (!isUnwired) return undefined;
  return {
    severity: 'error',
    code: 'E_CONFIG_VALUE',
    message: 'OAuth, `rules` and `credentials` are not served by this version',
    fix: 'use `auth: { keys: stored }` with `breakwater keys create`, or client certificates',
  };
}
