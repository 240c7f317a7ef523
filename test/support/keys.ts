import type { AuthConfig } from '../../src/config/config.ts';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';

/** A key and the protection that lets it in. */
export function buildKeys(name = 'ci'): { readonly key: string; readonly auth: AuthConfig } {
  const key = createKey();
  return { key, auth: { kind: 'keys', keys: [{ name, sha256: toKeyHash(key) }] } };
}
