import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../src/state/store/store.ts';
import type { ManualClock } from '../../support/manual-clock.ts';
import type { StoreFixture } from './stores.ts';

/** What a store promises, wherever its records are. */
export function describeStore(home: string, create: () => Promise<StoreFixture>): void {
  describe(`the store in ${home}`, () => {
    let fixture: StoreFixture;
    let store: Store;
    let clock: ManualClock;
    beforeEach(async () => {
      fixture = await create();
      ({ store, clock } = fixture);
    });
    afterEach(() => fixture.clean());

    it('keeps a record by kind and id, replaces and deletes it', async () => {
      expect(await store.get('Grant', 'a')).toBeUndefined();
      await store.put('Grant', 'a', { n: 1, deep: { list: [null, 'ü\0'] } });
      await store.put('Consent', 'a', { n: 2 });
      expect(await store.get('Grant', 'a')).toEqual({ n: 1, deep: { list: [null, 'ü\0'] } });
      await store.put('Grant', 'a', { n: 3 });
      expect(await store.get('Grant', 'a')).toEqual({ n: 3 });
      await store.delete('Grant', 'a');
      await store.delete('Grant', 'a');
      expect(await store.get('Grant', 'a')).toBeUndefined();
      expect(await store.get('Consent', 'a')).toEqual({ n: 2 });
    });

    it('hands out copies: changing what was read or written changes nothing in it', async () => {
      const value = { list: [1] };
      await store.put('Grant', 'a', value);
      value.list.push(2);
      const read = (await store.get('Grant', 'a')) as { list: number[] };
      read.list.push(3);
      expect(await store.get('Grant', 'a')).toEqual({ list: [1] });
    });

    it('lists a kind by id', async () => {
      for (const id of ['b', 'a', 'c']) await store.put('Grant', id, { id });
      await store.put('Person', 'd', {});
      expect((await store.list('Grant')).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    });

    it('returns nothing that has expired, by any way, from that millisecond on', async () => {
      const expiresAt = clock.now() + 1000;
      await store.put('Session', 'a', { uid: 'u' }, { expiresAt });
      clock.advance(999);
      expect(await store.get('Session', 'a')).toEqual({ uid: 'u' });
      expect(await store.find('Session', 'uid', 'u')).toHaveLength(1);
      clock.advance(1);
      expect(await store.get('Session', 'a')).toBeUndefined();
      expect(await store.find('Session', 'uid', 'u')).toEqual([]);
      expect(await store.list('Session')).toEqual([]);
      expect(await store.consume('Session', 'a')).toBeUndefined();
      expect(await store.update('Session', 'a', (current) => current && { value: current })).toBe(false);
    });

    it('expiry ends with the record that had it', async () => {
      await store.put('Grant', 'a', { n: 1 }, { expiresAt: clock.now() + 1000 });
      await store.put('Grant', 'a', { n: 2 });
      clock.advance(200_000);
      expect(await store.get('Grant', 'a')).toEqual({ n: 2 });
    });

    it('finds by an indexed field, and no longer by a value that was replaced or deleted', async () => {
      await store.put('Session', 'a', { uid: 'u' });
      await store.put('Session', 'b', { uid: 'v' });
      expect(await store.find('Session', 'uid', 'u')).toEqual([{ id: 'a', value: { uid: 'u' } }]);
      await store.put('Session', 'a', { uid: 'v' });
      expect(await store.find('Session', 'uid', 'u')).toEqual([]);
      expect((await store.find('Session', 'uid', 'v')).map(({ id }) => id)).toEqual(['a', 'b']);
      await store.delete('Session', 'a');
      expect((await store.find('Session', 'uid', 'v')).map(({ id }) => id)).toEqual(['b']);
      await store.put('Session', 'b', { uid: 7 });
      expect(await store.find('Session', 'uid', '7')).toEqual([]);
    });

    it('a grant that is revoked takes all its tokens with it, and no others', async () => {
      for (const id of ['1', '2', '3']) {
        await store.put('RefreshToken', id, { grantId: id === '3' ? 'other' : 'mine' });
        await store.put('AuthorizationCode', id, { grantId: 'mine' });
      }
      await store.deleteWhere('RefreshToken', 'grantId', 'mine');
      expect(await store.get('RefreshToken', '1')).toBeUndefined();
      expect(await store.get('RefreshToken', '2')).toBeUndefined();
      expect(await store.get('RefreshToken', '3')).toEqual({ grantId: 'other' });
      expect(await store.list('AuthorizationCode')).toHaveLength(3);
    });

    it('code-replay: of many who consume a record at once, one gets it', async () => {
      await store.put('AuthorizationCode', 'code', { grantId: 'g', uid: null });
      const taken = await Promise.all(
        Array.from({ length: 20 }, () => store.consume('AuthorizationCode', 'code')),
      );
      expect(taken.filter((value) => value !== undefined)).toEqual([{ grantId: 'g', uid: null }]);
      expect(await store.find('AuthorizationCode', 'grantId', 'g')).toEqual([]);
    });

    it('a stolen store holds no token: ids that are credentials are kept as digests', async () => {
      const token = 'the-refresh-token';
      await store.put('RefreshToken', token, { jti: token, grantId: 'g' });
      expect(await store.get('RefreshToken', token)).toEqual({ jti: token, grantId: 'g' });
      const [entry] = await store.list('RefreshToken');
      expect(entry?.id).toMatch(/^[\da-f]{64}$/);
      expect(JSON.stringify(entry)).not.toContain(token);
      expect(await store.get('RefreshToken', entry?.id ?? '')).toBeUndefined();
      // Control: another kind shows its id.
      await store.put('Session', token, { jti: token });
      expect(JSON.stringify(await store.list('Session'))).toContain(token);
    });

    it('updates with nobody in between', async () => {
      const add = (current: Readonly<Record<string, unknown>> | undefined): { value: { n: number } } => ({
        value: { n: Number(current?.['n'] ?? 0) + 1 },
      });
      const written = await Promise.all(
        Array.from({ length: 20 }, () => store.update('LoginThrottle', 'a', add)),
      );
      expect(written).toEqual(Array.from({ length: 20 }, () => true));
      expect(await store.get('LoginThrottle', 'a')).toEqual({ n: 20 });
      expect(await store.update('LoginThrottle', 'a', () => undefined)).toBe(false);
      expect(await store.get('LoginThrottle', 'a')).toEqual({ n: 20 });
    });

    it('writes all of a transaction or nothing', async () => {
      await store.put('Grant', 'old', {});
      await store.transaction([
        { action: 'put', kind: 'Grant', id: 'a', value: { n: 1 } },
        { action: 'put', kind: 'Session', id: 'b', value: { uid: 'u' }, expiresAt: clock.now() + 1 },
        { action: 'delete', kind: 'Grant', id: 'old' },
      ]);
      expect((await store.list('Grant')).map(({ id }) => id)).toEqual(['a']);
      expect(await store.find('Session', 'uid', 'u')).toHaveLength(1);
      const wrong = store.transaction([
        { action: 'delete', kind: 'Grant', id: 'a' },
        { action: 'put', kind: 'Unheard', id: 'a', value: {} },
      ]);
      await expect(wrong).rejects.toThrow('Unheard');
      expect(await store.get('Grant', 'a')).toEqual({ n: 1 });
    });

    it('refuses kinds and fields that no table documents', async () => {
      await expect(store.put('Unheard', 'a', {})).rejects.toThrow('not in the table');
      await expect(store.get('toString', 'a')).rejects.toThrow('not in the table');
      await expect(store.list('Unheard')).rejects.toThrow('not in the table');
      await expect(store.find('Session', 'name', 'a')).rejects.toThrow('no index');
      await expect(store.deleteWhere('Grant', 'uid', 'a')).rejects.toThrow('no index');
    });

    it('tells those who watch a kind of each write to it, and of no other', async () => {
      let calls = 0;
      const stop = store.watch(['Grant'], () => (calls += 1));
      await store.put('Grant', 'a', {});
      expect(calls).toBe(1);
      await store.put('Person', 'a', {});
      expect(calls).toBe(1);
      await store.delete('Grant', 'a');
      await store.transaction([{ action: 'put', kind: 'Grant', id: 'a', value: {} }]);
      await store.consume('Grant', 'a');
      expect(calls).toBe(4);
      stop();
      await store.put('Grant', 'a', {});
      expect(calls).toBe(4);
    });

    it('leaves no timers behind, and closes twice', () => {
      store.close();
      store.close();
      expect(clock.pending).toBe(0);
    });
  });
}
