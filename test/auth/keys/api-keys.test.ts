import { beforeEach, describe, expect, it } from 'vitest';
import { createKey, isWellFormedKey, toKeyHash } from '../../../src/auth/api-key.ts';
import { createApiKeys, type ApiKeys } from '../../../src/auth/keys/api-keys.ts';
import { buildListedKeyVerifier } from '../../../src/auth/keys/listed-keys.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const hour = 3_600_000;
const day = 24 * hour;

let clock: ManualClock;
let store: Store;
let keys: ApiKeys;
beforeEach(() => {
  clock = new ManualClock(1_700_000_000_000);
  store = createMemoryStore({ clock });
  keys = createApiKeys(store, { clock });
});

const ci = { name: 'ci', scopes: ['tools:read'], expiresAt: undefined };

describe('the keys of the store', () => {
  it('are listed with what is known of them, and without the key', async () => {
    const key = await keys.create(ci);
    expect(await keys.list()).toEqual([
      { ...ci, sha256: toKeyHash(key), createdAt: clock.now(), lastUsedAt: undefined },
    ]);
    expect(JSON.stringify(await store.list('ApiKey'))).not.toContain(key);
  });

  it('have a name each, also when two are made at once', async () => {
    const outcomes = await Promise.allSettled([keys.create(ci), keys.create(ci)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'E_NAME_TAKEN' } });
    expect(await keys.list()).toHaveLength(1);
  });

  it('end when they are revoked', async () => {
    await keys.create(ci);
    expect(await keys.revoke('ci')).toBe(true);
    expect(await keys.revoke('ci')).toBe(false);
    expect(await keys.list()).toEqual([]);
  });

  it('stay listed for 30 days after they expired', async () => {
    await keys.create({ ...ci, expiresAt: clock.now() + day });
    clock.advance(day + 30 * day - 1);
    expect(await keys.list()).toHaveLength(1);
    clock.advance(1);
    expect(await keys.list()).toEqual([]);
  });

  it('tell the hour of their last use, and no more', async () => {
    const sha256 = toKeyHash(await keys.create(ci));
    clock.advance(12_345_678);
    await keys.noteUse({ name: 'ci', sha256 });
    const noted = (await keys.list())[0]?.lastUsedAt ?? 0;
    expect(noted % hour).toBe(0);
    expect(clock.now() - noted).toBeLessThan(hour);
    let writes = 0;
    store.watch(['ApiKey'], () => (writes += 1));
    await keys.noteUse({ name: 'ci', sha256: toKeyHash('another key of this name') });
    clock.advance(day);
    await keys.noteUse({ name: 'ci', sha256: toKeyHash('another key of this name') });
    await keys.noteUse({ name: 'gone', sha256 });
    expect((await keys.list())[0]?.lastUsedAt).toBe(noted);
  });

  it('noting a use keeps everything else, the end of the record among it', async () => {
    const expiresAt = clock.now() + 2 * day;
    const sha256 = toKeyHash(await keys.create({ ...ci, expiresAt }));
    clock.advance(day);
    await keys.noteUse({ name: 'ci', sha256 });
    expect(await keys.list()).toMatchObject([{ ...ci, expiresAt }]);
    clock.advance(31 * day);
    expect(await keys.list()).toEqual([]);
  });

  it('leave out records that are no keys', async () => {
    for (const value of [{}, { sha256: 'x' }, { sha256: 'a'.repeat(64), scopes: 'all', createdAt: 1 }]) {
      await store.put('ApiKey', 'odd', value);
      expect(await keys.list()).toEqual([]);
    }
  });
});

describe('the form of a key', () => {
  it('is checked by its checksum', () => {
    const key = createKey();
    expect(isWellFormedKey(key)).toBe(true);
    const other = key.at(-1) === '0' ? '1' : '0';
    for (const wrong of [
      '',
      'bwk_',
      key.slice(1),
      `${key}0`,
      ` ${key}`,
      key.slice(0, -1) + other,
      `${key}\n`,
    ]) {
      expect(isWellFormedKey(wrong), JSON.stringify(wrong)).toBe(false);
    }
    const body = key.slice(4, 47);
    expect(isWellFormedKey(key.replace(body, body.toLowerCase().replace(/^./, 'Z')))).toBe(false);
  });
});

describe('the keys of the configuration', () => {
  it('give a principal with scopes, the same each time, until they expire', () => {
    const listed = { name: 'ci', sha256: toKeyHash('secret'), scopes: ['a'], expiresAt: clock.now() + 1000 };
    const find = buildListedKeyVerifier([listed], { clock });
    const holder = find('secret');
    expect(holder).toMatchObject({ method: 'key', id: 'key:ci', name: 'ci', scopes: ['a'], groups: [] });
    expect(holder?.expiresAt).toBe(clock.now() + 1000);
    expect(find('secret')).toBe(holder);
    expect(find('Secret')).toBeUndefined();
    expect(find(listed.sha256)).toBeUndefined();
    clock.advance(999);
    expect(find('secret')).toBe(holder);
    clock.advance(1);
    expect(find('secret')).toBeUndefined();
  });

  it('oversized-token: a long token is refused before it is hashed', () => {
    const find = (key: string): unknown =>
      buildListedKeyVerifier([{ name: 'a', sha256: toKeyHash(key), scopes: [], expiresAt: undefined }], {
        clock,
      })(key);
    expect(find('x'.repeat(513))).toBeUndefined();
    expect(find('x'.repeat(512))).toBeDefined();
  });
});
