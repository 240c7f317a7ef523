import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { authorizePath, createPkce, startAuthRig, type AuthRig } from '../../support/auth-server-rig.ts';
import { createAccounts } from '../../../src/auth/accounts/accounts.ts';
import type { DeriveKey } from '../../../src/auth/accounts/password-hash.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createIdentityProvider } from '../../support/identity-provider.ts';
import { createGithub } from '../../support/github-stub.ts';

let running: AuthRig | undefined;
afterEach(() => running?.close());

type Options = Parameters<typeof startAuthRig>[0];

/** A server that the test's end stops. */
async function start(options: Options): Promise<AuthRig> {
  running = await startAuthRig(options);
  return running;
}

it('a store that fails is told as an error, and not as a sign-in that has ended', async () => {
  const clock = new ManualClock();
  const memory = createMemoryStore({ clock });
  let isAway = false;
  const store: Store = {
    ...memory,
    get: (kind, id) =>
      isAway && kind === 'Interaction' ? Promise.reject(new Error('no answer')) : memory.get(kind, id),
  };
  const rig = await start({ store, clock });
  const browser = rig.browser();
  const page = await browser.visit({ path: authorizePath(createPkce()) });
  isAway = true;
  const failed = await browser.submit(page, '/password', { name: 'alice', password: 'correct horse' });
  expect(failed.status).toBe(500);
  expect(failed.text).not.toContain('This sign-in has ended');
  expect(rig.events).toContainEqual({ kind: 'error', text: 'no answer' });
  isAway = false;
  const consent = await browser.submit(page, '/password', { name: 'alice', password: 'correct horse' });
  expect(consent.text).toContain('signed in as alice');
});

describe('local accounts', () => {
  it('log in with their password, and are throttled like each other', async () => {
    const clock = new ManualClock();
    const store = createMemoryStore({ clock });
    const derive: DeriveKey = async (password) =>
      createHash('sha512').update(password).digest().subarray(0, 32);
    const accounts = createAccounts(store, { clock, derive });
    await accounts.add({ name: 'carol', email: undefined, password: 'a long password' });
    const rig = await start({ accounts, store, clock });
    const browser = rig.browser();
    const page = await browser.visit({ path: authorizePath(createPkce()) });
    const consent = await browser.submit(page, '/password', { name: ' Carol ', password: 'a long password' });
    expect(consent.text).toContain('signed in as carol');
    for (const name of ['carol', 'nobody']) {
      const other = rig.browser();
      const login = await other.visit({ path: authorizePath(createPkce()) });
      const statuses: number[] = [];
      for (let index = 0; index < 30 && statuses.at(-1) !== 429; index += 1) {
        statuses.push((await other.submit(login, '/password', { name, password: 'wrong' })).status);
      }
      expect(statuses[0]).toBe(400);
      expect(statuses.at(-1)).toBe(429);
      clock.advance(599_000);
    }
  });
});

describe('the owner', () => {
  async function ask(): Promise<{
    readonly rig: AuthRig;
    readonly browser: ReturnType<AuthRig['browser']>;
    readonly page: Awaited<ReturnType<ReturnType<AuthRig['browser']>['visit']>>;
  }> {
    const rig = await start({ config: { login: [{ kind: 'owner' }] } });
    const browser = rig.browser();
    const login = await browser.visit({ path: authorizePath(createPkce()) });
    return { rig, browser, page: await browser.submit(login, '/owner') };
  }

  it('logs in with the code from the terminal, once', async () => {
    const { rig, browser, page } = await ask();
    expect(rig.codes[0]).toMatch(/^[\dA-Z]{4}-[\dA-Z]{4}$/);
    const typed = (rig.codes[0] ?? '').toLowerCase().replace('-', ' ');
    const consent = await browser.submit(page, '/code', { code: typed });
    expect(consent.text).toContain('signed in as owner');
    const other = rig.browser();
    const elsewhere = await other.submit(await other.visit({ path: authorizePath(createPkce()) }), '/owner');
    const again = await other.submit(elsewhere, '/code', { code: typed });
    expect(again.status).toBe(400);
    expect(again.text).toContain('not the code');
  });

  it('code-guessing: five wrong guesses use a code up', async () => {
    const { rig, browser, page } = await ask();
    const statuses: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      const answer = await browser.submit(page, '/code', { code: '0000-0000' });
      statuses.push(answer.text.includes('not the code') ? 'wrong' : 'used up');
    }
    expect(statuses).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'used up']);
    const late = await browser.submit(page, '/code', { code: rig.codes[0] ?? '' });
    expect(late.text).toContain('counts no more');
  });

  it('code-guessing in parallel: each guess counts', async () => {
    const { rig, browser, page } = await ask();
    await Promise.all(Array.from({ length: 10 }, () => browser.submit(page, '/code', { code: '0000-0000' })));
    const late = await browser.submit(page, '/code', { code: rig.codes[0] ?? '' });
    expect(late.text).toContain('counts no more');
  });

  it('has ten minutes, and five codes in that time', async () => {
    const { rig, browser, page } = await ask();
    rig.clock.advance(600_001);
    const late = await browser.submit(page, '/code', { code: rig.codes[0] ?? '' });
    expect(late.text).toContain('This sign-in has ended');
    const statuses: number[] = [];
    for (let index = 0; index < 6; index += 1) {
      const other = rig.browser();
      const login = await other.visit({ path: authorizePath(createPkce()) });
      statuses.push((await other.submit(login, '/owner')).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    expect(rig.codes).toHaveLength(6);
  });
});

describe('an identity provider', () => {
  const allow = { users: [], domains: ['example.org'], groups: [] };
  const login = {
    kind: 'oidc',
    name: 'Example Login',
    issuer: 'https://login.example.org',
    clientId: 'gateway',
    clientSecret: 'of-the-gateway',
    scopes: ['openid', 'email'],
    allow,
  } as const;

  it('lets a user of an allowed domain in', async () => {
    const provider = await createIdentityProvider({ email: 'bob@example.org', email_verified: true });
    const rig = await start({ config: { login: [login] }, fetch: provider.fetch });
    const browser = rig.browser();
    const page = await browser.visit({ path: authorizePath(createPkce()) });
    const away = await browser.submit(page, '/with-0');
    expect(away.location?.origin).toBe(login.issuer);
    expect(away.location?.searchParams.get('scope')).toBe('openid email');
    const consent = await browser.visit({ path: provider.logIn(away.location) });
    expect(consent.text).toContain('signed in as bob@example.org');
    const { location } = await browser.submit(consent, '/consent');
    expect(location?.searchParams.get('code')).toEqual(expect.any(String));
  });

  it.each([
    ['unverified-email', { email: 'bob@example.org', email_verified: false }],
    ['domain-suffix', { email: 'bob@notexample.org', email_verified: true }],
    [
      'chosen name',
      { preferred_username: 'bob@example.org', email: 'bob@example.com', email_verified: true },
    ],
    ['no address', {}],
  ])('%s: is not let in', async (_attack, claims) => {
    const provider = await createIdentityProvider(claims);
    const rig = await start({ config: { login: [login] }, fetch: provider.fetch });
    const browser = rig.browser();
    const away = await browser.submit(await browser.visit({ path: authorizePath(createPkce()) }), '/with-0');
    const answer = await browser.visit({ path: provider.logIn(away.location) });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain('you have no access');
  });

  it.each(['nonce', 'audience', 'issuer', 'state', 'verifier', 'signature'] as const)(
    'wrong %s: the answer is refused',
    async (fault) => {
      const provider = await createIdentityProvider(
        { email: 'bob@example.org', email_verified: true },
        fault,
      );
      const rig = await start({ config: { login: [login] }, fetch: provider.fetch });
      const browser = rig.browser();
      const away = await browser.submit(
        await browser.visit({ path: authorizePath(createPkce()) }),
        '/with-0',
      );
      const answer = await browser.visit({ path: provider.logIn(away.location) });
      expect([400, 403]).toContain(answer.status);
      expect(answer.text).not.toContain('signed in as');
    },
  );

  it('login-csrf: an answer counts once, within ten minutes, and in the browser that left', async () => {
    const provider = await createIdentityProvider({ email: 'bob@example.org', email_verified: true });
    const rig = await start({ config: { login: [login] }, fetch: provider.fetch });
    const leave = async (): Promise<{ browser: ReturnType<AuthRig['browser']>; path: string }> => {
      const browser = rig.browser();
      const away = await browser.submit(
        await browser.visit({ path: authorizePath(createPkce()) }),
        '/with-0',
      );
      return { browser, path: provider.logIn(away.location) };
    };
    const stolen = await leave();
    expect((await rig.browser().visit({ path: stolen.path })).text).toContain('This sign-in has ended');
    expect((await stolen.browser.visit({ path: stolen.path })).text).toContain('This sign-in has ended');
    const late = await leave();
    rig.clock.advance(600_001);
    expect((await late.browser.visit({ path: late.path })).text).toContain('This sign-in has ended');
  });

  it('sets no state before somebody went on for this client', async () => {
    const provider = await createIdentityProvider({});
    const rig = await start({ config: { login: [login] }, fetch: provider.fetch });
    await rig.browser().visit({ path: authorizePath(createPkce()) });
    expect(provider.asked()).toBe(0);
  });
});

describe('GitHub', () => {
  const login = {
    kind: 'github',
    clientId: 'gateway',
    clientSecret: 'of-the-gateway',
    allow: { users: ['Octo'], organizations: ['example-org'] },
  } as const;

  it.each([
    [{ login: 'octo', orgs: [] }, 200],
    [{ login: 'mona', orgs: ['Example-Org'] }, 200],
    [{ login: 'mona', orgs: ['example-org-2'] }, 403],
  ])('knows %j: %i', async (user, status) => {
    const rig = await start({ config: { login: [login] }, fetch: createGithub(user) });
    const browser = rig.browser();
    const away = await browser.submit(await browser.visit({ path: authorizePath(createPkce()) }), '/with-0');
    const state = away.location?.searchParams.get('state') ?? '';
    const answer = await browser.visit({ path: `/oauth/callback?code=good&state=${state}` });
    expect(answer.status).toBe(status);
    expect(answer.text.includes(`signed in as ${user.login}`)).toBe(status === 200);
  });
});
