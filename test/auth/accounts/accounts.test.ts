import { beforeEach, describe, expect, it } from 'vitest';
import { createAccounts, type Accounts, type LoginOutcome } from '../../../src/auth/accounts/accounts.ts';
import {
  defaultCost,
  deriveWithScrypt,
  hashPassword,
  matchesHash,
  type DeriveKey,
  type ScryptCost,
} from '../../../src/auth/accounts/password-hash.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const password = 'correct horse battery';
const address = '192.0.2.7';
const minute = 60_000;

let clock: ManualClock;
let store: Store;
let accounts: Accounts;
let derived: ScryptCost[];

/** As slow as tests can bear, and noting what it was asked for. */
const derive: DeriveKey = (text, salt, cost) => {
  derived.push(cost);
  return deriveWithScrypt(text, salt, { ...cost, logN: 4 });
};

beforeEach(async () => {
  clock = new ManualClock(1_700_000_000_000);
  store = createMemoryStore({ clock });
  derived = [];
  accounts = createAccounts(store, { clock, derive });
  await accounts.add({ name: 'alice', email: 'alice@example.com', password });
  derived = [];
});

const tryOut = (name: string, text: string, from = address): Promise<LoginOutcome> =>
  accounts.verify({ name, password: text, address: from });

/** Fails often enough that the next attempt has to wait. */
async function failUntilThrottled(name: string, from = address): Promise<number> {
  for (let attempt = 1; attempt < 100; attempt += 1) {
    if ((await tryOut(name, 'wrong password', from)).kind === 'throttled') return attempt - 1;
  }
  return 100;
}

describe('local accounts', () => {
  it('are listed without their password, in any form', async () => {
    const now = clock.now();
    await accounts.add({ name: 'bob', email: undefined, password });
    const alice = { name: 'alice', email: 'alice@example.com', createdAt: now, passwordChangedAt: now };
    expect(await accounts.list()).toEqual([alice, { ...alice, name: 'bob', email: undefined }]);
    expect(await accounts.find('alice')).toEqual(alice);
    expect(JSON.stringify(await store.list('Account'))).not.toContain(password);
  });

  it('have a name each', async () => {
    const again = accounts.add({ name: 'alice', email: undefined, password: 'another password' });
    await expect(again).rejects.toMatchObject({ code: 'E_NAME_TAKEN' });
    expect((await tryOut('alice', password)).kind).toBe('ok');
  });

  it('let their owner in, whatever the case of the name and the form of the characters', async () => {
    expect(await tryOut('alice', password)).toMatchObject({
      kind: 'ok',
      name: 'alice',
      account: { name: 'alice' },
    });
    expect((await tryOut(' Alice ', password)).kind).toBe('ok');
    await accounts.setPassword('alice', 'pässwörd pässwörd'.normalize('NFC'));
    expect((await tryOut('alice', 'pässwörd pässwörd'.normalize('NFD'))).kind).toBe('ok');
  });

  it('let nobody else in', async () => {
    for (const wrong of ['', 'x', password.toUpperCase(), `${password} `, `${password}\0`]) {
      expect(await tryOut('alice', wrong, '192.0.2.8'), JSON.stringify(wrong)).toEqual({ kind: 'wrong' });
    }
  });

  it('take a new password, and the old one counts no more', async () => {
    clock.advance(minute);
    expect(await accounts.setPassword('alice', 'a new one, as long')).toBe(true);
    expect((await tryOut('alice', password)).kind).toBe('wrong');
    expect((await tryOut('alice', 'a new one, as long')).kind).toBe('ok');
    expect(await accounts.find('alice')).toMatchObject({
      passwordChangedAt: clock.now(),
      email: 'alice@example.com',
    });
    expect(await accounts.setPassword('bob', 'a new one, as long')).toBe(false);
  });

  it('end when they are removed', async () => {
    expect(await accounts.remove('alice')).toBe(true);
    expect(await accounts.remove('alice')).toBe(false);
    expect([await accounts.has('alice'), await accounts.find('alice')]).toEqual([false, undefined]);
    expect((await tryOut('alice', password)).kind).toBe('wrong');
  });

  it('account-reuse: begin without what another of their name has left, and leave alone what others have', async () => {
    const leave = async (name: string): Promise<void> => {
      await store.put('Session', `${name}-session`, { accountId: name, uid: name });
      await store.put('Grant', `${name}-grant`, { accountId: name });
      await store.put('RefreshToken', `${name}-token`, { accountId: name, grantId: `${name}-grant` });
      await store.put('AuthorizationCode', `${name}-code`, { accountId: name, grantId: `${name}-grant` });
      await store.put('Consent', `${name}-consent`, { subject: name });
      await store.put('Person', name, { subject: name });
      await store.put('Interaction', `${name}-login`, { result: { login: { accountId: name } } });
      await store.put('Interaction', `${name}-consent`, { session: { accountId: name } });
    };
    const kinds = [
      'Session',
      'Grant',
      'RefreshToken',
      'AuthorizationCode',
      'Consent',
      'Person',
      'Interaction',
    ];
    const count = async (): Promise<readonly number[]> =>
      Promise.all(kinds.map(async (kind) => (await store.list(kind)).length));
    await leave('bob');
    const ofBob = await count();
    await leave('alice');
    await accounts.remove('alice');
    expect(await count()).toEqual(ofBob);
    // As a login does that was under way, or a removal that broke off.
    await leave('alice');
    await accounts.add({ name: 'alice', email: undefined, password });
    expect(await count()).toEqual(ofBob);
    await leave('alice');
    await expect(accounts.add({ name: 'alice', email: undefined, password })).rejects.toThrow();
    await accounts.setPassword('alice', 'a new one, as long');
    expect(await count()).toEqual(ofBob.map((number) => 2 * number));
  });

  it('leave out records that are no accounts', async () => {
    for (const value of [{}, { email: null, createdAt: 1, passwordChangedAt: 1 }, { email: 3 }]) {
      await store.put('Account', 'odd', value);
      expect((await accounts.list()).map(({ name }) => name)).toEqual(['alice']);
      expect((await tryOut('odd', password, `198.51.100.${Object.keys(value).length}`)).kind).toBe('wrong');
    }
  });
});

describe('attack: finding out which accounts there are', () => {
  it('a name that does not exist costs the same work and gets the same answer', async () => {
    const known = await tryOut('alice', 'wrong password');
    const work = derived.splice(0);
    const unknown = await tryOut('mallory', 'wrong password');
    expect(unknown).toEqual(known);
    expect(derived).toEqual(work);
    expect(work).toEqual([defaultCost]);
  });

  it('both are throttled alike', async () => {
    const known = await failUntilThrottled('alice', '192.0.2.1');
    const unknown = await failUntilThrottled('mallory', '192.0.2.2');
    expect(known).toBe(6);
    expect(unknown).toBe(known);
    expect(await tryOut('mallory', 'x', '192.0.2.2')).toEqual(await tryOut('alice', 'x', '192.0.2.1'));
  });
});

describe('attack: guessing', () => {
  it('takes twice as long after each failure, up to five minutes, whatever address it comes from', async () => {
    await failUntilThrottled('alice');
    const waits: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const outcome = await tryOut('alice', 'wrong password', `198.51.100.${n}`);
      const wait = outcome.kind === 'throttled' ? outcome.retryAfter : 0;
      waits.push(wait);
      clock.advance(wait);
      expect((await tryOut('alice', 'wrong password', `198.51.100.${n}`)).kind).toBe('wrong');
    }
    expect(waits.map((wait) => wait / 1000)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
  });

  it('a throttled attempt is not looked at, not even with the right password', async () => {
    await failUntilThrottled('alice');
    derived = [];
    expect(await tryOut('alice', password)).toEqual({ kind: 'throttled', retryAfter: 1000 });
    expect(derived).toEqual([]);
    clock.advance(1000);
    expect((await tryOut('alice', password)).kind).toBe('ok');
  });

  it('many guesses at once are all counted', async () => {
    const outcomes = await Promise.all(Array.from({ length: 12 }, (_, n) => tryOut('alice', `guess ${n}`)));
    expect(outcomes.filter(({ kind }) => kind === 'wrong')).toHaveLength(6);
    expect(derived).toHaveLength(6);
  });

  it('at many accounts from one network is slowed down', async () => {
    let tried = 0;
    for (let n = 0; n < 40; n += 1) {
      const outcome = await tryOut(`user${n}`, 'wrong password', `2001:db8:1:2::${n.toString(16)}`);
      if (outcome.kind === 'wrong') tried += 1;
    }
    expect(tried).toBe(21);
    // Control: another network is not.
    expect((await tryOut('user', 'wrong password', '2001:db8:1:3::1')).kind).toBe('wrong');
  });

  it('an own account between the guesses does not help', async () => {
    await accounts.add({ name: 'mallory', email: undefined, password: 'password of mallory' });
    let tried = 0;
    for (let n = 0; n < 40; n += 1) {
      if ((await tryOut(`user${n}`, 'wrong password')).kind === 'wrong') tried += 1;
      await tryOut('mallory', 'password of mallory');
    }
    expect(tried).toBeLessThan(22);
  });

  it('does not keep the owner out of a place where the owner has logged in before', async () => {
    await tryOut('alice', password, '192.0.2.99');
    await failUntilThrottled('alice', '198.51.100.1');
    expect((await tryOut('alice', password, '192.0.2.100')).kind).toBe('throttled');
    expect((await tryOut('alice', password, '192.0.2.99')).kind).toBe('ok');
  });

  it('does not lengthen the wait while it lasts', async () => {
    await failUntilThrottled('alice');
    for (let n = 0; n < 50; n += 1) await tryOut('alice', 'wrong password');
    expect(await tryOut('alice', password)).toEqual({ kind: 'throttled', retryAfter: 1000 });
  });

  it('is remembered in another process', async () => {
    await failUntilThrottled('alice');
    const other = createAccounts(store, { clock, derive });
    expect((await other.verify({ name: 'alice', password, address })).kind).toBe('throttled');
  });

  it('a success ends the wait of the account', async () => {
    await failUntilThrottled('alice');
    clock.advance(1000);
    expect((await tryOut('alice', password)).kind).toBe('ok');
    expect(await failUntilThrottled('alice', '192.0.2.44')).toBe(6);
  });

  it('a flood of logins waits in a line of limited length', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, n) => tryOut(`user${n}`, 'wrong password', `203.0.113.${n}`)),
    );
    expect(outcomes.filter(({ kind }) => kind === 'wrong')).toHaveLength(16);
    expect(outcomes.at(-1)).toEqual({ kind: 'throttled', retryAfter: 5000 });
    expect((await tryOut('alice', password)).kind).toBe('ok');
  });
});

describe('password hashes', () => {
  const cheap = { logN: 4, r: 8, p: 1 };

  it('say how they were made, and differ each time', async () => {
    const first = await hashPassword('a', cheap, deriveWithScrypt);
    expect(first).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await hashPassword('a', cheap, deriveWithScrypt)).not.toBe(first);
    expect(await matchesHash('a', first, deriveWithScrypt)).toBe(true);
    expect(await matchesHash('b', first, deriveWithScrypt)).toBe(false);
  });

  it('agree with a vector of RFC 7914 section 12', async () => {
    const key = await deriveWithScrypt('password', Buffer.from('NaCl'), { logN: 10, r: 8, p: 16 });
    expect(key.toString('hex')).toBe('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162');
  });

  it('cost what they should: 128 MiB', async () => {
    expect(128 * 2 ** defaultCost.logN * defaultCost.r * defaultCost.p).toBe(2 ** 27);
    const hash = await hashPassword(password, defaultCost, deriveWithScrypt);
    expect(hash).toContain('$ln=17,r=8,p=1$');
    expect(await matchesHash(password, hash, deriveWithScrypt)).toBe(true);
  });

  it.each([
    '',
    'x',
    '$scrypt$ln=4,r=8$AAAA$AAAA',
    '$argon2id$v=19$m=65536,t=3,p=4$AAAA$AAAA',
    '$scrypt$ln=30,r=8,p=1$AAAA$AAAA',
    '$scrypt$ln=17,r=99,p=99$AAAA$AAAA',
  ])('that are not ours, or would fill the memory, match nothing: %s', async (hash) => {
    derived = [];
    expect(await matchesHash('', hash, derive)).toBe(false);
    expect(derived).toEqual([]);
  });
});
