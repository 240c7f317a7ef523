import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthBrowser } from '../../support/auth-browser.ts';
import {
  authorizePath,
  createPkce,
  documentClient,
  issuer,
  logInAndAllow,
  loopbackClient,
  loopbackRedirect,
  startAuthRig,
  webRedirect,
  type AuthRig,
} from '../../support/auth-server-rig.ts';

type Changes = Readonly<Record<string, string | readonly string[] | undefined>>;

let rig: AuthRig;
/** Logged in, and everything allowed: whatever the server lets through here comes back with a code at once. */
let browser: AuthBrowser;
beforeAll(async () => {
  rig = await startAuthRig();
  browser = rig.browser();
  await logInAndAllow(browser, authorizePath(createPkce()));
});
afterAll(() => rig.close());

const pkce = createPkce();
const loopback = { client_id: loopbackClient };

it('control: the request that all of these bend gets a code', async () => {
  const { location } = await browser.visit({ path: authorizePath(pkce) });
  expect(location?.searchParams.get('code')).toEqual(expect.any(String));
});

/** Redirect URIs that are not the client's: nothing may be sent there, so a page says so. */
const foreignRedirects: readonly (readonly [string, string, Changes?])[] = [
  ['prefix', `${webRedirect}/evil`],
  ['longer name', `${webRedirect}x`],
  ['shorter name', webRedirect.slice(0, -1)],
  ['other case', 'https://app.example.com/Callback'],
  ['slash at the end', `${webRedirect}/`],
  ['added query', `${webRedirect}?next=1`],
  ['empty query', `${webRedirect}?`],
  ['fragment', `${webRedirect}#x`],
  ['empty fragment', `${webRedirect}#`],
  ['host as a suffix', 'https://app.example.com.evil.example.net/callback'],
  ['host as userinfo', 'https://app.example.com@evil.example.net/callback'],
  ['userinfo', 'https://user@app.example.com/callback'],
  ['host in the query', `https://evil.example.net/?${webRedirect}`],
  ['host in the path', `https://evil.example.net/${webRedirect}`],
  ['plain http', 'http://app.example.com/callback'],
  ['other port', 'https://app.example.com:8443/callback'],
  ['default port', 'https://app.example.com:443/callback'],
  ['dot segments', 'https://app.example.com/x/../callback'],
  ['encoded dots', 'https://app.example.com/%2e/callback'],
  ['encoded slash', 'https://app.example.com/x%2f..%2fcallback'],
  ['backslash', 'https://evil.example.net\\@app.example.com/callback'],
  ['trailing dot', 'https://app.example.com./callback'],
  ['sub-domain', 'https://evil.app.example.com/callback'],
  ['wildcard', 'https://*.example.com/callback'],
  ['homograph', 'https://аpp.example.com/callback'],
  ['white space', ` ${webRedirect}`],
  ['tab', 'https://app.example.com/call\tback'],
  ['line break', `${webRedirect}\r\nSet-Cookie: a=b`],
  ['no scheme', '//app.example.com/callback'],
  ['relative', '/callback'],
  ['script', 'javascript:alert(document.domain)'],
  ['data', 'data:text/html,<script>alert(1)</script>'],
  ['file', 'file:///etc/passwd'],
  ['of this server', `${issuer}/oauth/callback`],
  ['another client', loopbackRedirect],
  ['private scheme', 'evilapp://callback'],
  ['loopback neighbour', 'http://127.0.0.2/callback', loopback],
  ['loopback path', 'http://127.0.0.1:4711/other', loopback],
  ['loopback over TLS', 'https://127.0.0.1:4711/callback', loopback],
  ['loopback as a prefix', 'http://127.0.0.1.evil.example.net/callback', loopback],
  ['loopback as userinfo', 'http://127.0.0.1:80@evil.example.net/callback', loopback],
  ['loopback spelled out', 'http://2130706433/callback', loopback],
  ['app path', 'cursor://anysphere.cursor-mcp/oauth/callback/../x', loopback],
];

const redirectCases: readonly (readonly [string, string, Changes])[] = foreignRedirects.map(
  ([name, uri, changes = {}]) => [name, uri, changes],
);

describe('T24: redirect URIs that are not the client’s', () => {
  it.each(redirectCases)('open-redirect, %s', async (_name, uri, changes) => {
    const path = authorizePath(pkce, { redirect_uri: uri, ...changes });
    const answer = await browser.visit({ path });
    expect(answer.status).toBe(400);
    expect(answer.location).toBeUndefined();
    expect(answer.text).toContain('Error: invalid_redirect_uri');
    expect(answer.headers['location']).toBeUndefined();
  });
});

/** Requests that cannot be answered to a client, by the error that the page names. */
const pageErrors: readonly (readonly [string, string, Changes])[] = [
  ['no redirect URI', 'invalid_request', { redirect_uri: undefined }],
  ['empty redirect URI', 'invalid_request', { redirect_uri: '' }],
  ['two redirect URIs', 'invalid_request', { redirect_uri: [webRedirect, 'https://evil.example.net/'] }],
  ['no client', 'invalid_request', { client_id: undefined }],
  ['two clients', 'invalid_request', { client_id: [documentClient, loopbackClient] }],
  ['unknown client', 'invalid_client', { client_id: 'nobody' }],
  ['client without a document', 'invalid_client', { client_id: 'https://nobody.example.com/client.json' }],
  ['client over http', 'invalid_client', { client_id: 'http://app.example.com/client.json' }],
  ['client by another spelling', 'invalid_client', { client_id: 'HTTPS://app.example.com/client.json' }],
  ['very long client', 'invalid_client', { client_id: `https://app.example.com/${'x'.repeat(2000)}` }],
  ['very long state', 'invalid_request', { state: 'x'.repeat(9000) }],
  ['very long scope', 'invalid_request', { scope: 'tools:read '.repeat(1000) }],
];

describe('T24: requests that nobody can be answered to', () => {
  it.each(pageErrors)('%s: %s', async (_name, error, changes) => {
    const answer = await browser.visit({ path: authorizePath(pkce, changes) });
    expect(answer.status).toBe(400);
    expect(answer.location).toBeUndefined();
    expect(answer.text).toContain(`Error: ${error}`);
    const json = await rig.ask({ path: authorizePath(pkce, changes) });
    expect(json.json['error']).toBe(error);
  });
});

/** Requests of a known client: the error goes back to it, with who says so. */
const clientErrors: readonly (readonly [string, string, Changes])[] = [
  [
    'pkce-downgrade, no challenge',
    'invalid_request',
    { code_challenge: undefined, code_challenge_method: undefined },
  ],
  ['pkce-downgrade, method without challenge', 'invalid_request', { code_challenge: undefined }],
  ['pkce-downgrade, plain', 'invalid_request', { code_challenge_method: 'plain' }],
  ['pkce-downgrade, no method', 'invalid_request', { code_challenge_method: undefined }],
  ['pkce-downgrade, other method', 'invalid_request', { code_challenge_method: 'S512' }],
  ['pkce-downgrade, lower case', 'invalid_request', { code_challenge_method: 's256' }],
  ['pkce-downgrade, two methods', 'invalid_request', { code_challenge_method: ['S256', 'plain'] }],
  ['short challenge', 'invalid_request', { code_challenge: 'short' }],
  ['long challenge', 'invalid_request', { code_challenge: 'x'.repeat(129) }],
  ['odd challenge', 'invalid_request', { code_challenge: `${'x'.repeat(42)}!` }],
  ['two challenges', 'invalid_request', { code_challenge: [pkce.challenge, createPkce().challenge] }],
  ['token in the answer', 'unsupported_response_type', { response_type: 'token' }],
  ['ID token in the answer', 'unsupported_response_type', { response_type: 'id_token' }],
  ['hybrid', 'unsupported_response_type', { response_type: 'code id_token' }],
  ['hybrid with a token', 'unsupported_response_type', { response_type: 'code token' }],
  ['nothing asked', 'unsupported_response_type', { response_type: 'none' }],
  ['no response type', 'invalid_request', { response_type: undefined }],
  ['two response types', 'invalid_request', { response_type: ['code', 'token'] }],
  ['answer in the fragment', 'unsupported_response_mode', { response_mode: 'fragment' }],
  ['answer by a form', 'unsupported_response_mode', { response_mode: 'form_post' }],
  ['answer by a message', 'unsupported_response_mode', { response_mode: 'web_message' }],
  ['request object', 'request_not_supported', { request: 'eyJhbGciOiJub25lIn0.e30.' }],
  [
    'request object elsewhere',
    'request_uri_not_supported',
    { request_uri: 'https://evil.example.net/request' },
  ],
  ['pushed request', 'request_uri_not_supported', { request_uri: 'urn:ietf:params:oauth:request_uri:x' }],
  ['registration in the request', 'registration_not_supported', { registration: '{}' }],
  ['none with a login', 'invalid_request', { prompt: 'none login' }],
  ['unknown prompt', 'invalid_request', { prompt: 'create' }],
  ['silent consent', 'consent_required', { prompt: 'none', scope: 'tools:call' }],
  ['unknown resource', 'invalid_target', { resource: `${issuer}/other` }],
  ['resource of somebody else', 'invalid_target', { resource: 'https://evil.example.net/mcp' }],
  ['resource with a fragment', 'invalid_target', { resource: `${issuer}/mcp#x` }],
  ['relative resource', 'invalid_target', { resource: '/mcp' }],
  ['one resource of two unknown', 'invalid_target', { resource: [`${issuer}/mcp`, `${issuer}/other`] }],
  ['unknown scope', 'invalid_scope', { scope: 'admin' }],
  ['odd scope', 'invalid_scope', { scope: 'tools:read "' }],
  ['two scopes', 'invalid_request', { scope: ['tools:read', 'tools:call'] }],
  ['hint of an ID token', 'invalid_request', { id_token_hint: 'x' }],
  ['odd age', 'invalid_request', { max_age: '-1' }],
];

describe('T24: requests that the client is told about', () => {
  it.each(clientErrors)('%s: %s', async (_name, error, changes) => {
    const { location } = await browser.visit({ path: authorizePath(pkce, changes) });
    expect(location?.origin).toBe('https://app.example.com');
    // Clients that ask for tokens look for errors in the fragment (OAuth 2.0 Multiple Response Types §5).
    const type = changes['response_type'];
    const inFragment = typeof type === 'string' && type.includes('token');
    const answer = inFragment ? new URLSearchParams(location?.hash.slice(1)) : location?.searchParams;
    expect(answer?.get('error')).toBe(error);
    expect(answer?.get('iss')).toBe(issuer);
    expect(answer?.get('state')).toBe('state-of-the-client');
    expect(location?.href).not.toMatch(/[?&#](?:code|access_token|id_token)=/);
  });

  it('no session and no questions: login_required', async () => {
    const { location } = await rig.browser().visit({ path: authorizePath(pkce, { prompt: 'none' }) });
    expect(location?.searchParams.get('error')).toBe('login_required');
  });

  it('two states: invalid_request, and none of them comes back', async () => {
    const { location } = await browser.visit({ path: authorizePath(pkce, { state: ['a', 'b'] }) });
    expect(location?.searchParams.get('error')).toBe('invalid_request');
    expect(location?.searchParams.has('state')).toBe(false);
  });

  it('sent as a form: 405', async () => {
    const form = new URLSearchParams(authorizePath(pkce).split('?')[1]);
    expect((await browser.ask({ path: '/oauth/authorize', form })).status).toBe(405);
  });
});

it('T24: not one token came of all this', () => {
  expect(rig.events.filter(({ kind }) => kind === 'token-issued')).toEqual([]);
  expect(rig.events.filter(({ kind }) => kind === 'error')).toEqual([]);
});
