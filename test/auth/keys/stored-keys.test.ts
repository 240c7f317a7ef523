import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createKey, toKeyHash } from '../../../src/auth/api-key.ts';
import { createApiKeys, type ApiKeys } from '../../../src/auth/keys/api-keys.ts';
import { createStoredKeyVerifier, type StoredKeyVerifier } from '../../../src/auth/keys/stored-keys.ts';
import { openSqliteStore } from '../../../src/state/store/sqlite-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { createSqliteFixture, type StoreFixture } from '../../state/store/stores.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const day = 86_400_000;
const ci = { name: 'ci', scopes: ['tools:read'], expiresAt: undefined };

let fixture: StoreFixture;
let clock: ManualClock;
let store: Store;
let keys: ApiKeys;
let verifier: StoredKeyVerifier;
let problems: unknown[];

beforeEach(async () => {
  fixture = await createSqliteFixture();
  ({ clock, store } = fixture);
  keys = createApiKeys(store, { clock });
  problems = [];
  verifier = await createStoredKeyVerifier(store, {
    clock,
    onProblem: (error) => problems.push(error),
  });
});
afterEach(async () => {
  verifier.close();
  await fixture.clean();
});

/** Makes a key and waits until the verifier knows it. */
async function make(facts: Parameters<ApiKeys['create']>[0] = ci): Promise<string> {
  const key = await keys.create(facts);
  await until(() => verifier.verify(key) !== undefined);
  return key;
}

describe('checking keys of the store', () => {
  it('finds the holder with scopes and end, the same object each time', async () => {
    const expiresAt = clock.now() + day;
    const key = await make({ ...ci, expiresAt });
    const holder = verifier.verify(key);
    expect(holder).toMatchObject({
      method: 'key',
      id: 'key:ci',
      name: 'ci',
      scopes: ['tools:read'],
      expiresAt,
    });
    await make({ name: 'other', scopes: [], expiresAt: undefined });
    expect(verifier.verify(key)).toBe(holder);
    expect(holder !== undefined && verifier.isCurrent(holder)).toBe(true);
  });

  it('refuses what is not such a key', async () => {
    const key = await make();
    for (const wrong of [
      '',
      createKey(),
      toKeyHash(key),
      key.toUpperCase(),
      `${key} `,
      'x'.repeat(1_000_000),
    ]) {
      expect(verifier.verify(wrong)).toBeUndefined();
    }
  });

  it('attack: guesses make the gateway hash; those without the checksum do not get so far', async () => {
    // A key whose checksum is wrong, but whose digest is in the store.
    const wrong = `${createKey().slice(0, -8)}00000000`;
    const value = { sha256: toKeyHash(wrong), scopes: [], createdAt: 1, expiresAt: null, lastUsedAt: null };
    await store.put('ApiKey', 'wrong', value);
    const key = await make();
    expect(verifier.verify(key)).toBeDefined();
    expect(verifier.verify(wrong)).toBeUndefined();
  });

  it('attack: an expired key', async () => {
    const key = await make({ ...ci, expiresAt: clock.now() + 1000 });
    const holder = verifier.verify(key);
    clock.advance(999);
    expect(verifier.verify(key)).toBe(holder);
    clock.advance(1);
    expect(verifier.verify(key)).toBeUndefined();
    expect(holder === undefined || verifier.isCurrent(holder)).toBe(false);
  });

  it('attack: a revoked key, here', async () => {
    const key = await make();
    const holder = verifier.verify(key);
    await keys.revoke('ci');
    await until(() => verifier.verify(key) === undefined);
    expect(verifier.verify(key)).toBeUndefined();
    expect(holder === undefined || verifier.isCurrent(holder)).toBe(false);
  });

  it('attack: a key that another process revoked counts for less than five seconds', async () => {
    const key = await make();
    const holder = verifier.verify(key);
    const other = await openSqliteStore({ stateDir: fixture.stateDir, clock, onProblem: () => undefined });
    await createApiKeys(other, { clock }).revoke('ci');
    other.close();
    // Control: nothing tells this process before it looks.
    expect(verifier.verify(key)).toBeDefined();
    clock.advance(2000);
    await until(() => verifier.verify(key) === undefined);
    expect(verifier.verify(key)).toBeUndefined();
    expect(holder === undefined || verifier.isCurrent(holder)).toBe(false);
  });

  it('a key with the name of a revoked one is another key', async () => {
    const first = await make();
    const holder = verifier.verify(first);
    await keys.revoke('ci');
    const second = await make({ ...ci, scopes: ['other'] });
    expect(verifier.verify(first)).toBeUndefined();
    expect(verifier.verify(second)?.scopes).toEqual(['other']);
    expect(holder === undefined || verifier.isCurrent(holder)).toBe(false);
  });

  it('notes the use of a key once an hour', async () => {
    const key = await make();
    await until(async () => (await keys.list())[0]?.lastUsedAt !== undefined);
    const noted = (await keys.list())[0]?.lastUsedAt ?? 0;
    let writes = 0;
    store.watch(['ApiKey'], () => (writes += 1));
    for (let n = 0; n < 100; n += 1) verifier.verify(key);
    expect(writes).toBe(0);
    clock.advance(3_600_000);
    const holder = verifier.verify(key);
    await until(async () => (await keys.list())[0]?.lastUsedAt !== noted);
    expect((await keys.list())[0]?.lastUsedAt).toBe(noted + 3_600_000);
    expect(writes).toBe(1);
    expect(verifier.verify(key)).toBe(holder);
    expect(problems).toEqual([]);
  });

  it('says when the store cannot be read, and tries again', async () => {
    const key = await make();
    const list = vi.spyOn(store, 'list').mockRejectedValueOnce(new Error('the disk is gone'));
    await keys.revoke('ci');
    await until(() => problems.length > 0);
    expect(problems).toEqual([new Error('the disk is gone')]);
    expect(verifier.verify(key)).toBeDefined();
    clock.advance(1000);
    await until(() => verifier.verify(key) === undefined);
    expect(verifier.verify(key)).toBeUndefined();
    expect(list.mock.calls.length).toBeGreaterThan(1);
  });

  it('leaves nothing behind when it ends', () => {
    const before = clock.pending;
    verifier.close();
    verifier.close();
    expect(clock.pending).toBe(before);
  });
});
