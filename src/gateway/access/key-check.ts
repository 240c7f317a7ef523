import { buildListedKeyVerifier } from '../../auth/keys/listed-keys.ts';
import type { Principal } from '../../auth/principal.ts';
import type { KeysConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import type { KeyCheck } from './route-access.ts';

/** Keys of the configuration first, then those of the state store, which can be revoked while the gateway runs. */
export function buildKeyCheck(
  { listed, stored }: KeysConfig,
  { clock, storedKeys }: { readonly clock: Clock; readonly storedKeys: KeyCheck | undefined },
): KeyCheck {
  const find = buildListedKeyVerifier(listed, { clock });
  const others = stored ? storedKeys : undefined;
  const mine = new WeakSet<Principal>();
  return {
    verify(key) {
      const principal = find(key);
      if (principal === undefined) return others?.verify(key);
      mine.add(principal);
      return principal;
    },
    isCurrent: (principal) =>
      mine.has(principal)
        ? (principal.expiresAt ?? Infinity) > clock.now()
        : others?.isCurrent(principal) === true,
  };
}
