import type { AuthConfig } from '../../src/config/config.ts';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';

/** A key, its hash, and the protection that lets it in. */
export function buildKeys(name = 'ci'): {
  readonly key: string;
  readonly sha256: string;
  readonly auth: AuthConfig;
} {
  const key = createKey();
  const sha256 = toKeyHash(key);
  return { key, sha256, auth: lockWithKey({ name, sha256 }) };
}

/** The protection that lets in whoever has a key with this hash. */
export function lockWithKey(key: {
  readonly name: string;
  readonly sha256: string;
  readonly expiresAt?: number;
}): AuthConfig {
  return {
    kind: 'required',
    keys: { listed: [{ expiresAt: undefined, ...key, scopes: [] }], stored: false },
    certificates: undefined,
    oauth: undefined,
  };
}
