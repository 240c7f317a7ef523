import type { Clock, Timer } from '../../lib/clock.ts';
import type { Store } from '../../state/store/store.ts';
import { isWellFormedKey, toKeyHash } from '../api-key.ts';
import type { Principal } from '../principal.ts';
import { createApiKeys, toHour } from './api-keys.ts';
import { keyKind, type KnownKey } from './key-record.ts';
import { toKeyPrincipal } from './key-principal.ts';

/** Checks keys of the store in memory, and follows the store. */
export interface StoredKeyVerifier {
  /**
   * Finds who holds a key; `undefined`: nobody, or no more. As long as a key stays what it is, this is the same object, so results may
   * be kept and asked about with `isCurrent`.
   */
  verify(key: string): Principal | undefined;
  /** Whether somebody whom `verify` returned may still come in: false from the moment that the key is known revoked or expired. */
  isCurrent(principal: Principal): boolean;
  close(): void;
}

export interface StoredKeyOptions {
  readonly clock: Clock;
  /** Told when the store cannot be read or written; the keys known so far count on until it can. */
  readonly onProblem: (error: unknown) => void;
}

interface HeldKey {
  readonly known: KnownKey;
  readonly principal: Principal;
  /** The hour that is noted, or is being noted, as that of the last use. */
  usedAt: number | undefined;
}

const RETRY_MILLISECONDS = 1000;

/**
 * Loads the keys and keeps them at hand. Another process's revocation counts within two seconds, our own at once. Rejects like
 * `store.list`.
 */
export async function createStoredKeyVerifier(
  store: Store,
  { clock, onProblem }: StoredKeyOptions,
): Promise<StoredKeyVerifier> {
  const keys = createApiKeys(store, { clock });
  let held: ReadonlyMap<string, HeldKey> = new Map();
  let current: ReadonlySet<Principal> = new Set();
  let isLoading = false;
  let isStale = false;
  let isOpen = true;
  let retry: Timer | undefined;

  async function load(): Promise<void> {
    const listed = await keys.list();
    if (!isOpen) return;
    held = new Map(listed.map((known) => [known.sha256, keepOrMake(held.get(known.sha256), known)]));
    current = new Set([...held.values()].map(({ principal }) => principal));
  }

  /** One load at a time; what changes while it runs makes it run again. */
  async function refresh(): Promise<void> {
    isStale = true;
    if (isLoading) return;
    isLoading = true;
    try {
      while (isStale && isOpen) {
        isStale = false;
        await load();
      }
    } catch (error) {
      onProblem(error);
      if (isOpen) retry = clock.setTimeout(() => void refresh(), RETRY_MILLISECONDS);
    } finally {
      isLoading = false;
    }
  }

  function noteUse(key: HeldKey, now: number): void {
    const hour = toHour(now);
    if (key.usedAt === hour) return;
    key.usedAt = hour;
    keys.noteUse(key.known).catch(onProblem);
  }

  const unwatch = store.watch([keyKind], () => void refresh());
  try {
    await load();
  } catch (error) {
    unwatch();
    throw error;
  }
  return {
    verify(text) {
      if (!isWellFormedKey(text)) return undefined;
      const key = held.get(toKeyHash(text));
      const now = clock.now();
      if (key === undefined || (key.known.expiresAt ?? Infinity) <= now) return undefined;
      noteUse(key, now);
      return key.principal;
    },
    isCurrent: (principal) => current.has(principal) && (principal.expiresAt ?? Infinity) > clock.now(),
    close() {
      isOpen = false;
      unwatch();
      retry?.cancel();
    },
  };
}

/** Keeps the principal of a key that did not change, which is how others recognise it. */
function keepOrMake(before: HeldKey | undefined, known: KnownKey): HeldKey {
  if (before === undefined || !isSame(before.known, known)) {
    return { known, principal: toKeyPrincipal(known), usedAt: known.lastUsedAt };
  }
  const usedAt = Math.max(before.usedAt ?? 0, known.lastUsedAt ?? 0);
  return { known, principal: before.principal, usedAt: usedAt === 0 ? undefined : usedAt };
}

function isSame(left: KnownKey, right: KnownKey): boolean {
  return (
    left.name === right.name &&
    left.expiresAt === right.expiresAt &&
    left.scopes.length === right.scopes.length &&
    left.scopes.every((scope, index) => scope === right.scopes[index])
  );
}
