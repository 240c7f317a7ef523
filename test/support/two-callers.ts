import type { AuthConfig } from '../../src/config/config.ts';
import { buildKeys } from './keys.ts';

/** A route's protection with two keys, and what each of their holders sends. */
export interface TwoCallers {
  readonly auth: AuthConfig;
  /** Header lines of the callers `key:alice` and `key:bob`. */
  readonly alice: string;
  readonly bob: string;
}

export function buildTwoCallers(scopes: readonly string[] = []): TwoCallers {
  const [alice, bob] = [buildKeys('alice'), buildKeys('bob')];
  const toListed = (name: string, sha256: string) => ({ name, sha256, scopes, expiresAt: undefined });
  return {
    auth: {
      kind: 'required',
      keys: { listed: [toListed('alice', alice.sha256), toListed('bob', bob.sha256)], stored: false },
      certificates: undefined,
      oauth: undefined,
    },
    alice: `Authorization: Bearer ${alice.key}\r\n`,
    bob: `Authorization: Bearer ${bob.key}\r\n`,
  };
}
