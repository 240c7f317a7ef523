import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  authorizePath,
  createPkce,
  documentClient,
  issuer,
  logInAndAllow,
  loopbackClient,
  loopbackRedirect,
  obtainTokens,
  redeem,
  refresh,
  startAuthRig,
  webRedirect,
  type AuthRig,
} from '../../support/auth-server-rig.ts';
import { formsOf, type AuthBrowser } from '../../support/auth-browser.ts';
import { createAccounts } from '../../../src/auth/accounts/accounts.ts';
import { deriveWithScrypt } from '../../../src/auth/accounts/password-hash.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let rig: AuthRig;
beforeAll(async () => {
  rig = await startAuthRig();
});
afterAll(() => rig.close());

async function logIn(browser: AuthBrowser, path: string): ReturnType<AuthBrowser['submit']> {
  const login = await browser.visit({ path });
  return browser.submit(login, '/password', { name: 'alice', password: 'correct horse' });
}

describe('refreshing', () => {
  it('rotates the token and keeps the client logged in', async () => {
    const first = await obtainTokens(rig);
    const answer = await refresh(rig, first.refresh);
    expect(answer.status, answer.body).toBe(200);
    const second = String(answer.json['refresh_token']);
    expect(second).not.toBe(first.refresh);
    expect(answer.json['access_token']).not.toBe(first.access);
    expect((await refresh(rig, second)).status).toBe(200);
  });

  it('parallel-refresh: two at once get the same successor, which goes on to work', async () => {
    const { refresh: token } = await obtainTokens(rig);
    const answers = await Promise.all([refresh(rig, token), refresh(rig, token), refresh(rig, token)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const successors = new Set(answers.map(({ json }) => json['refresh_token']));
    expect(successors.size).toBe(1);
    const [successor] = successors;
    expect(successor).not.toBe(token);
    expect((await refresh(rig, String(successor))).status).toBe(200);
  });

  it('lost-answer: a token repeated within the grace leads to its successor', async () => {
    const { refresh: token } = await obtainTokens(rig);
    const first = await refresh(rig, token);
    rig.clock.advance(29_000);
    const again = await refresh(rig, token);
    expect(again.json['refresh_token']).toBe(first.json['refresh_token']);
  });

  it('refresh-token-theft: a used token after the grace ends the grant, successor included', async () => {
    const { refresh: token } = await obtainTokens(rig);
    const first = await refresh(rig, token);
    rig.clock.advance(31_000);
    const before = rig.revoked.length;
    const replay = await refresh(rig, token);
    expect(replay.status).toBe(400);
    expect(replay.json['error']).toBe('invalid_grant');
    expect(rig.revoked.length).toBe(before + 1);
    expect((await refresh(rig, String(first.json['refresh_token']))).json['error']).toBe('invalid_grant');
  });

  it('another client cannot use the token, nor its successor within the grace', async () => {
    const { refresh: token } = await obtainTokens(rig);
    expect((await refresh(rig, token, loopbackClient)).json['error']).toBe('invalid_grant');
    await refresh(rig, token);
    expect((await refresh(rig, token, loopbackClient)).json['error']).toBe('invalid_grant');
  });

  it('a removed account refreshes no more', async () => {
    let isThere = true;
    const other = await startAuthRig({
      accounts: {
        verify: async ({ name }) => ({ kind: 'ok', name }),
        has: async () => isThere,
      },
    });
    const { refresh: token } = await obtainTokens(other);
    isThere = false;
    expect((await refresh(other, token)).json['error']).toBe('invalid_grant');
    await other.close();
  });

  it('account-reuse: an account with the name of one that was removed inherits none of its logins', async () => {
    const clock = new ManualClock(Date.now());
    const store = createMemoryStore({ clock });
    const accounts = createAccounts(store, {
      clock,
      derive: (text, salt, cost) => deriveWithScrypt(text, salt, { ...cost, logN: 4 }),
    });
    const alice = { name: 'alice', email: undefined };
    await accounts.add({ ...alice, password: 'correct horse' });
    const other = await startAuthRig({ clock, store, accounts });
    const { access, refresh: token } = await obtainTokens(other);
    const browser = other.browser();
    await logInAndAllow(browser, authorizePath(createPkce()));
    const open = await browser.visit({ path: authorizePath(createPkce(), { prompt: 'consent' }) });
    const grant = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())['grant'];
    expect(await other.server.hasGrant(grant)).toBe(true);

    await accounts.remove('alice');
    expect(await other.server.hasGrant(grant)).toBe(false);
    await accounts.add({ ...alice, password: 'of another alice' });
    expect((await refresh(other, token)).json['error']).toBe('invalid_grant');
    const start = await browser.visit({ path: authorizePath(createPkce()) });
    expect(start.text).toContain('Sign in to connect');
    expect((await browser.submit(open, '/consent')).text).toContain('This sign-in has ended');
    const consent = await browser.submit(start, '/password', { name: 'alice', password: 'of another alice' });
    expect(consent.location).toBeUndefined();
    expect(consent.text).toContain('signed in as alice');
    await other.close();
  });
});

describe('revocation', () => {
  it('ends the grant of a refresh token and says so to the gateway', async () => {
    const { refresh: token, access } = await obtainTokens(rig);
    const grant = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString())['grant'];
    expect(await rig.server.hasGrant(grant)).toBe(true);
    const form = { token, client_id: documentClient };
    const answer = await rig.ask({ path: '/oauth/revoke', form });
    expect(answer.status).toBe(200);
    expect(rig.revoked.at(-1)).toBe(grant);
    expect(await rig.server.hasGrant(grant)).toBe(false);
    expect((await refresh(rig, token)).json['error']).toBe('invalid_grant');
  });

  it('does nothing for a client that the token is not for', async () => {
    const { refresh: token } = await obtainTokens(rig);
    const answer = await rig.ask({ path: '/oauth/revoke', form: { token, client_id: loopbackClient } });
    expect(answer.status).toBe(200);
    expect((await refresh(rig, token)).status).toBe(200);
  });
});

describe('consent', () => {
  it('is denied with access_denied, and the client learns who says so', async () => {
    const consent = await logIn(
      rig.browser(),
      authorizePath(createPkce(), { client_id: loopbackClient, redirect_uri: loopbackRedirect }),
    );
    expect(consent.text).toContain('Example Desk');
    expect(consent.text).toContain('Returns to 127.0.0.1');
    const browser = rig.browser();
    const page = await logIn(browser, authorizePath(createPkce(), { prompt: 'consent' }));
    const { location } = await browser.submit(page, '/deny');
    expect(location?.searchParams.get('error')).toBe('access_denied');
    expect(location?.searchParams.get('iss')).toBe(issuer);
    expect(location?.searchParams.has('code')).toBe(false);
  });

  it('is remembered for a client on the web, as long as it asks for no more', async () => {
    const other = await startAuthRig();
    const browser = other.browser();
    await logInAndAllow(browser, authorizePath(createPkce()));
    const again = await browser.visit({ path: authorizePath(createPkce()) });
    expect(again.location?.searchParams.get('code')).toEqual(expect.any(String));
    const more = await browser.visit({
      path: authorizePath(createPkce(), { scope: 'tools:read tools:call' }),
    });
    expect(more.location).toBeUndefined();
    expect(more.text).toContain('Use tools');
    await other.close();
  });

  it('localhost-impersonation: is asked for each time where the answer goes to a loopback address', async () => {
    const browser = rig.browser();
    const path = authorizePath(createPkce(), { client_id: loopbackClient, redirect_uri: loopbackRedirect });
    await logInAndAllow(browser, path);
    const again = await browser.visit({ path });
    expect(again.location).toBeUndefined();
    expect(again.text).toContain('Any program there can claim this name');
  });

  it('lets another person take over, who is asked anew', async () => {
    const other = await startAuthRig({
      accounts: { verify: async ({ name }) => ({ kind: 'ok', name }), has: async () => true },
    });
    const browser = other.browser();
    const consent = await logIn(browser, authorizePath(createPkce()));
    const login = await browser.submit(consent, '/switch');
    const page = await browser.submit(login, '/password', { name: 'bob', password: 'x' });
    expect(page.text).toContain('signed in as bob');
    await other.close();
  });

  it('works with prompt=login for the one who is logged in, and for another', async () => {
    const other = await startAuthRig({
      accounts: { verify: async ({ name }) => ({ kind: 'ok', name }), has: async () => true },
    });
    for (const name of ['alice', 'bob']) {
      const browser = other.browser();
      await logInAndAllow(browser, authorizePath(createPkce(), { scope: 'tools:call' }));
      const login = await browser.visit({ path: authorizePath(createPkce(), { prompt: 'login consent' }) });
      const page = await browser.submit(login, '/password', { name, password: 'x' });
      expect(page.text).toContain(`signed in as ${name}`);
    }
    await other.close();
  });
});

describe('an app with a scheme of its own', () => {
  it('gets its answer as the consequence of the click, and the policy names its scheme', async () => {
    const browser = rig.browser();
    const redirect = 'cursor://anysphere.cursor-mcp/oauth/callback';
    const consent = await logIn(
      browser,
      authorizePath(createPkce(), { client_id: loopbackClient, redirect_uri: redirect }),
    );
    expect(consent.text).toContain('Returns to cursor:');
    expect(consent.headers['content-security-policy']).toContain("form-action 'self' cursor:;");
    const form = formsOf(consent).find(({ action }) => action.endsWith('/consent'));
    const answer = await browser.ask({ path: form?.action ?? '', form: form?.fields ?? {} });
    expect(answer.status).toBe(303);
    const { location } = await browser.visit({
      path: String(answer.headers['location']).slice(issuer.length),
    });
    expect(location?.href).toMatch(/^cursor:\/\/anysphere\.cursor-mcp\/oauth\/callback\?code=/);
  });
});

describe('a browser', () => {
  it('can be in several flows at once', async () => {
    const browser = rig.browser();
    const start = { prompt: 'consent' };
    const first = await browser.visit({ path: authorizePath(createPkce(), { ...start, state: 'first' }) });
    const second = await browser.visit({ path: authorizePath(createPkce(), { ...start, state: 'second' }) });
    const consent = await browser.submit(first, '/password', { name: 'alice', password: 'correct horse' });
    expect((await browser.submit(consent, '/consent')).location?.searchParams.get('state')).toBe('first');
    const late = await browser.submit(second, '/password', { name: 'alice', password: 'correct horse' });
    const answer = late.location ?? (await browser.submit(late, '/consent')).location;
    expect(answer?.searchParams.get('state')).toBe('second');
  });

  it('gets only cookies that no other host can plant, out of the reach of scripts', async () => {
    const browser = rig.browser();
    const lines: string[] = [];
    const start = await browser.ask({ path: authorizePath(createPkce()) });
    lines.push(...[start.headers['set-cookie'] ?? []].flat());
    await logInAndAllow(browser, authorizePath(createPkce()));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(/^__Host-/);
      expect(line.toLowerCase()).toMatch(/; path=\/(?:;|$)/);
      expect(line.toLowerCase()).toContain('; secure');
      expect(line.toLowerCase()).toContain('; httponly');
      expect(line.toLowerCase()).toContain('; samesite=lax');
      expect(line.toLowerCase()).not.toContain('domain=');
    }
    for (const name of browser.cookies.keys()) expect(name).toMatch(/^__Host-/);
  });

  it('signs out', async () => {
    const browser = rig.browser();
    await logInAndAllow(browser, authorizePath(createPkce()));
    const page = await browser.visit({ path: '/oauth/sign-out' });
    expect((await browser.submit(page, '/sign-out')).text).toContain('You are signed out');
    expect((await browser.visit({ path: authorizePath(createPkce()) })).text).toContain('Sign in to connect');
  });

  it('framing: no page may be shown in a frame or load anything', async () => {
    const page = await rig.browser().visit({ path: authorizePath(createPkce()) });
    expect(page.headers['x-frame-options']).toBe('DENY');
    expect(page.headers['referrer-policy']).toBe('no-referrer');
    expect(page.headers['cache-control']).toBe('no-store');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("form-action 'self'");
    expect(policy).not.toContain('unsafe-inline');
    const [, style = ''] = /<style>(.*)<\/style>/s.exec(page.body) ?? [];
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(page.body).not.toMatch(/<script|src=|@import|url\(/);
  });
});

describe('registered clients', () => {
  const request = {
    redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
    client_name: 'Editor',
  };

  it('get through the whole flow, with a loopback port that they did not register', async () => {
    const registered = await rig.ask({
      path: '/oauth/register',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, token_endpoint_auth_method: 'none', scope: 'x', logo_uri: null }),
    });
    expect(registered.status, registered.body).toBe(201);
    expect(registered.headers['access-control-allow-origin']).toBe('*');
    expect(Object.values(registered.json)).not.toContain(null);
    expect(registered.json['client_secret']).toBeUndefined();
    const clientId = String(registered.json['client_id']);
    const pkce = createPkce();
    const redirect = 'http://127.0.0.1:50123/';
    const path = authorizePath(pkce, { client_id: clientId, redirect_uri: redirect, scope: undefined });
    const location = await logInAndAllow(rig.browser(), path);
    expect(location.port).toBe('50123');
    const code = location.searchParams.get('code') ?? '';
    const answer = await redeem(rig, {
      code,
      pkce,
      changes: { client_id: clientId, redirect_uri: redirect },
    });
    expect(answer.json['scope']).toBe('tools:read tools:call');
    expect((await refresh(rig, String(answer.json['refresh_token']), clientId)).status).toBe(200);
  });

  it('may have a secret, and then need it', async () => {
    const { json } = await rig.ask({ path: '/oauth/register', body: JSON.stringify(request) });
    const [clientId, secret] = [String(json['client_id']), String(json['client_secret'])];
    const pkce = createPkce();
    const path = authorizePath(pkce, { client_id: clientId, redirect_uri: 'https://vscode.dev/redirect' });
    const code = (await logInAndAllow(rig.browser(), path)).searchParams.get('code') ?? '';
    const changes = { client_id: undefined, redirect_uri: 'https://vscode.dev/redirect' };
    const bare = await redeem(rig, { code, pkce, changes: { ...changes, client_id: clientId } });
    expect(bare.json['error']).toBe('invalid_client');
    const authorization = `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`;
    const answer = await redeem(rig, { code, pkce, changes, headers: { authorization } });
    expect(answer.status, answer.body).toBe(200);
  });

  it('are forgotten after a day without a token, and kept with one', async () => {
    const other = await startAuthRig();
    const ids: string[] = [];
    for (let index = 0; index < 2; index += 1) {
      const body = JSON.stringify({ redirect_uris: [webRedirect], token_endpoint_auth_method: 'none' });
      ids.push(String((await other.ask({ path: '/oauth/register', body })).json['client_id']));
    }
    const [used = '', unused = ''] = ids;
    const pkce = createPkce();
    const location = await logInAndAllow(other.browser(), authorizePath(pkce, { client_id: used }));
    await redeem(other, {
      code: location.searchParams.get('code') ?? '',
      pkce,
      changes: { client_id: used },
    });
    other.clock.advance(86_400_001);
    expect(await other.store.get('Client', unused)).toBeUndefined();
    expect(await other.store.get('Client', used)).toBeDefined();
    await other.close();
  });

  it('registration-flood: an address is limited, others are not', async () => {
    const other = await startAuthRig();
    const body = JSON.stringify({ redirect_uris: [webRedirect] });
    const statuses = new Set<number>();
    for (let index = 0; index < 40; index += 1)
      statuses.add((await other.ask({ path: '/oauth/register', body })).status);
    expect([...statuses]).toEqual([201, 429]);
    const headers = { 'x-forwarded-for': '192.0.2.7, 198.51.100.9' };
    expect((await other.ask({ path: '/oauth/register', body, headers })).status).toBe(201);
    await other.close();
  });

  it('do not exist where registration is switched off', async () => {
    const other = await startAuthRig({ config: { registration: false } });
    expect((await other.ask({ path: '/oauth/register', body: '{}' })).status).toBe(404);
    expect(other.server.metadata['registration_endpoint']).toBeUndefined();
    await other.close();
  });
});

describe('metadata', () => {
  it('says what MCP clients look for, at both places, to every origin', async () => {
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
      const { status, headers, json } = await rig.ask({ path });
      expect(status).toBe(200);
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(json).toMatchObject({
        issuer,
        authorization_endpoint: `${issuer}/oauth/authorize`,
        code_challenge_methods_supported: ['S256'],
        client_id_metadata_document_supported: true,
        authorization_response_iss_parameter_supported: true,
        grant_types_supported: ['authorization_code', 'refresh_token'],
        response_types_supported: ['code'],
      });
      expect(json['token_endpoint_auth_methods_supported']).toContain('none');
      expect(json['scopes_supported']).toEqual(['tools:read', 'tools:call', 'offline_access', 'openid']);
    }
    const preflight = await rig.ask({ method: 'OPTIONS', path: '/oauth/token' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('*');
  });

  it('publishes no private part of the key', async () => {
    const { json } = await rig.ask({ path: '/oauth/jwks' });
    const [key] = json['keys'] as Record<string, unknown>[];
    expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  it('answers in JSON where there is nothing', async () => {
    for (const path of ['/oauth/', '/oauth/token', '/oauth/nothing', '/oauth/session/end/confirm']) {
      const { status, headers, json } = await rig.ask({ path });
      expect([404, 405]).toContain(status);
      expect(headers['content-type']).toBe('application/json');
      expect(json['error']).toEqual(expect.any(String));
    }
  });
});
