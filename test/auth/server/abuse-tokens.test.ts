import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuthBrowser } from '../../support/auth-browser.ts';
import {
  authorizePath,
  createPkce,
  documentClient,
  logInAndAllow,
  loopbackClient,
  obtainTokens,
  redeem,
  refresh,
  resource,
  startAuthRig,
  webRedirect,
  type AuthRig,
} from '../../support/auth-server-rig.ts';

let rig: AuthRig;
let browser: AuthBrowser;
const pkce = createPkce();
let code = '';

beforeAll(async () => {
  rig = await startAuthRig();
  browser = rig.browser();
  await logInAndAllow(browser, authorizePath(pkce));
});
afterAll(() => rig.close());
beforeEach(async () => {
  const { location } = await browser.visit({ path: authorizePath(pkce) });
  code = location?.searchParams.get('code') ?? '';
});

const issued = (): number => rig.events.filter(({ kind }) => kind === 'token-issued').length;

it('control: the code that all of these bend is good', async () => {
  expect((await redeem(rig, { code, pkce })).status).toBe(200);
});

const faults: readonly (readonly [string, string, number, Readonly<Record<string, string | undefined>>])[] = [
  ['no verifier', 'invalid_grant', 400, { code_verifier: undefined }],
  ['empty verifier', 'invalid_grant', 400, { code_verifier: '' }],
  ['wrong verifier', 'invalid_grant', 400, { code_verifier: createPkce().verifier }],
  ['challenge as the verifier', 'invalid_grant', 400, { code_verifier: pkce.challenge }],
  ['short verifier', 'invalid_request', 400, { code_verifier: 'short' }],
  ['mixed clients', 'invalid_grant', 400, { client_id: loopbackClient }],
  ['unknown client', 'invalid_client', 401, { client_id: 'nobody' }],
  ['no client', 'invalid_request', 400, { client_id: undefined }],
  ['other redirect URI', 'invalid_grant', 400, { redirect_uri: 'https://app.example.com/other' }],
  ['foreign redirect URI', 'invalid_grant', 400, { redirect_uri: 'https://evil.example.net/' }],
  ['no redirect URI', 'invalid_request', 400, { redirect_uri: undefined }],
  ['other resource', 'invalid_target', 400, { resource: 'https://evil.example.net/mcp' }],
  ['unknown code', 'invalid_grant', 400, { code: 'x'.repeat(43) }],
  ['no code', 'invalid_request', 400, { code: undefined }],
  ['no grant type', 'invalid_request', 400, { grant_type: undefined }],
  ['password grant', 'unsupported_grant_type', 400, { grant_type: 'password' }],
  ['client credentials', 'unsupported_grant_type', 400, { grant_type: 'client_credentials' }],
  ['implicit', 'unsupported_grant_type', 400, { grant_type: 'implicit' }],
  ['device', 'unsupported_grant_type', 400, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }],
  ['assertion', 'unsupported_grant_type', 400, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer' }],
  [
    'exchange',
    'unsupported_grant_type',
    400,
    { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange' },
  ],
  ['code as a refresh token', 'invalid_request', 400, { grant_type: 'refresh_token' }],
];

describe('T24: codes', () => {
  it.each(faults)('%s: %s', async (_name, error, status, changes) => {
    const before = issued();
    const answer = await redeem(rig, { code, pkce, changes });
    expect(answer.status, answer.body).toBe(status);
    expect(answer.json['error']).toBe(error);
    expect(answer.json['access_token']).toBeUndefined();
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(issued()).toBe(before);
  });

  it('code-replay: the second time ends what the first time gave', async () => {
    const first = await redeem(rig, { code, pkce });
    const revoked = rig.revoked.length;
    const second = await redeem(rig, { code, pkce });
    expect(second.json['error']).toBe('invalid_grant');
    expect(rig.revoked.length).toBe(revoked + 1);
    const { json } = await refresh(rig, String(first.json['refresh_token']));
    expect(json['error']).toBe('invalid_grant');
  });

  it('code-replay in parallel: one gets on at most', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => redeem(rig, { code, pkce })));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    for (const { status, json } of answers) if (status !== 200) expect(json['error']).toBe('invalid_grant');
  });

  it('late code: invalid_grant after a minute', async () => {
    rig.clock.advance(61_000);
    expect((await redeem(rig, { code, pkce })).json['error']).toBe('invalid_grant');
  });

  it('parameters that come twice: invalid_request', async () => {
    const good = { grant_type: 'authorization_code', client_id: documentClient, redirect_uri: webRedirect };
    for (const name of ['code', 'code_verifier', 'client_id', 'redirect_uri', 'grant_type']) {
      const form = new URLSearchParams({ ...good, code, code_verifier: pkce.verifier, resource });
      form.append(name, form.get(name) ?? '');
      const { json } = await rig.ask({ path: '/oauth/token', form });
      expect(json['error'], name).toBe('invalid_request');
    }
  });

  it('not a form: invalid_request, and a GET is none', async () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ grant_type: 'authorization_code', code });
    expect((await rig.ask({ path: '/oauth/token', headers, body })).json['error']).toBe('invalid_request');
    expect((await rig.ask({ path: `/oauth/token?code=${code}` })).status).toBe(405);
    const large = await rig.ask({ path: '/oauth/token', form: { code, padding: 'x'.repeat(100_000) } });
    expect(large.json['error']).toBe('invalid_request');
  });

  it('parameters in the address do not count', async () => {
    const query = new URLSearchParams({ grant_type: 'authorization_code', code, client_id: documentClient });
    const answer = await rig.ask({ path: `/oauth/token?${query.toString()}`, form: {} });
    expect(answer.json['error']).toBe('invalid_request');
  });
});

describe('T24: refresh tokens', () => {
  it.each([
    ['scope-inflation', { scope: 'tools:read tools:call' }, 'invalid_scope'],
    ['other resource', { resource: 'https://evil.example.net/mcp' }, 'invalid_target'],
    ['unknown token', { refresh_token: 'x'.repeat(43) }, 'invalid_grant'],
    ['other client', { client_id: loopbackClient }, 'invalid_grant'],
  ])('%s', async (_name, changes, error) => {
    const tokens = await obtainTokens(rig);
    const before = issued();
    const form = {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh,
      client_id: documentClient,
      ...changes,
    };
    const { json } = await rig.ask({ path: '/oauth/token', form });
    expect(json['error']).toBe(error);
    expect(issued()).toBe(before);
  });

  it('an access token is none', async () => {
    const { access } = await obtainTokens(rig);
    expect((await refresh(rig, access)).json['error']).toBe('invalid_grant');
  });
});

describe('T24: registration', () => {
  const good = { redirect_uris: [webRedirect], client_name: 'X', token_endpoint_auth_method: 'none' };

  it.each([
    ['script', { redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    ['plain http', { redirect_uris: ['http://evil.example.net/'] }, 'invalid_redirect_uri'],
    ['userinfo', { redirect_uris: ['https://a@evil.example.net/'] }, 'invalid_redirect_uri'],
    ['fragment', { redirect_uris: [`${webRedirect}#x`] }, 'invalid_redirect_uri'],
    ['unknown app', { redirect_uris: ['evilapp://x'] }, 'invalid_redirect_uri'],
    ['one of two', { redirect_uris: [webRedirect, 'data:text/html,x'] }, 'invalid_redirect_uri'],
    ['none', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['no list', { redirect_uris: webRedirect }, 'invalid_redirect_uri'],
    ['implicit', { response_types: ['token'] }, 'invalid_client_metadata'],
    ['signed assertions', { token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata'],
    ['long name', { client_name: 'x'.repeat(101) }, 'invalid_client_metadata'],
  ])('%s: refused', async (_name, changes, error) => {
    const headers = { 'x-forwarded-for': '198.51.100.20' };
    const body = JSON.stringify({ ...good, ...changes });
    const answer = await rig.ask({ path: '/oauth/register', body, headers });
    expect(answer.status).toBe(400);
    expect(answer.json['error']).toBe(error);
    expect(answer.json['client_id']).toBeUndefined();
  });

  it('chooses neither its id nor its secret, nor an address to be fetched', async () => {
    const body = JSON.stringify({
      ...good,
      client_id: documentClient,
      client_secret: 'known',
      jwks_uri: 'https://evil.example.net/keys',
      sector_identifier_uri: 'https://evil.example.net/',
      logo_uri: 'https://evil.example.net/logo',
    });
    const { json } = await rig.ask({
      path: '/oauth/register',
      body,
      headers: { 'x-forwarded-for': '198.51.100.21' },
    });
    expect(json['client_id']).not.toBe(documentClient);
    expect(JSON.stringify(json)).not.toContain('evil');
    expect(json['client_secret']).toBeUndefined();
  });
});
