import { describe, expect, it } from 'vitest';
import { isClientIdUrl, parseClientIdUrl } from '../../../src/auth/client-metadata/client-id.ts';
import { parseClientMetadata } from '../../../src/auth/client-metadata/client-metadata.ts';
import { publicTargets } from '../../../src/auth/fetch/target-policy.ts';

const clientId = 'https://client.example.com/oauth/client.json';
const valid = { client_id: clientId, client_name: 'Example', redirect_uris: ['http://localhost/callback'] };

const parse = (change: object): ReturnType<typeof parseClientMetadata> =>
  parseClientMetadata({ ...valid, ...change }, { clientId, redirects: ['app://cb'] });

describe('client_id URLs', () => {
  it.each([
    clientId,
    'https://chatgpt.com/oauth/abc/client.json',
    'https://vscode.dev/oauth/client-metadata.json',
    'https://client.example.com/client?v=1',
    'https://client.example.com/a/',
  ])('control: %s', (text) => {
    expect(parseClientIdUrl(text, publicTargets)?.href).toBe(text);
  });

  it.each([
    ['no path', 'https://client.example.com'],
    ['no path', 'https://client.example.com/'],
    ['no path but a query', 'https://client.example.com/?x=1'],
    ['fragment', `${clientId}#x`],
    ['empty fragment', `${clientId}#`],
    ['userinfo', 'https://user@client.example.com/c'],
    ['empty userinfo', 'https://@client.example.com/c'],
    ['dot segment', 'https://client.example.com/a/../c'],
    ['dot segment', 'https://client.example.com/./c'],
    ['dot segment, encoded', 'https://client.example.com/a/%2e%2e/c'],
    ['http', 'http://client.example.com/c'],
    ['other port', 'https://client.example.com:8443/c'],
    ['default port said aloud', 'https://client.example.com:443/c'],
    ['upper case', 'https://Client.example.com/c'],
    ['address', 'https://8.8.8.8/c'],
    ['IPv6 address', 'https://[2606:4700::1]/c'],
    ['local name', 'https://printer.local/c'],
    ['name without a dot', 'https://intranet/c'],
    ['dot at the end', 'https://client.example.com./c'],
    ['backslash', 'https://client.example.com\\c'],
    ['space', 'https://client.example.com/c d'],
    ['not ASCII', 'https://clïent.example.com/c'],
    ['an opaque id', 'f3b0c442'],
    ['empty', ''],
    ['too long', `https://client.example.com/${'a'.repeat(2048)}`],
  ])('client-id-confusion, %s: %s is refused', (_name, text) => {
    expect(parseClientIdUrl(text, publicTargets)).toBeUndefined();
  });

  it('are told from ids that were given out here', () => {
    expect(isClientIdUrl(clientId)).toBe(true);
    expect(isClientIdUrl('HTTPS://x/')).toBe(true);
    expect(isClientIdUrl('f3b0c442')).toBe(false);
  });
});

describe('metadata documents', () => {
  it('control: the least that a document must hold', () => {
    expect(parse({})).toEqual({
      ok: true,
      value: {
        clientId,
        clientName: 'Example',
        redirectUris: ['http://localhost/callback'],
        grantTypes: [],
        scope: undefined,
        authentication: { kind: 'none' },
      },
    });
  });

  it('control: all that is read, and nothing of the rest', () => {
    const jwks = { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }] };
    const document = {
      client_name: ' Beispiel-Äpp 2 ',
      redirect_uris: ['https://client.example.com/cb', 'app://cb', 'unknown-app://cb'],
      grant_types: ['authorization_code', 'refresh_token'],
      scope: 'a b',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
      logo_uri: 'https://evil.example.com/pixel.png',
      is_admin: true,
    };
    expect(parse(document)).toEqual({
      ok: true,
      value: {
        clientId,
        clientName: 'Beispiel-Äpp 2',
        redirectUris: ['https://client.example.com/cb', 'app://cb'],
        grantTypes: ['authorization_code', 'refresh_token'],
        scope: 'a b',
        authentication: { kind: 'private_key_jwt', keys: jwks, keysUrl: undefined },
      },
    });
    const keysUrl = 'https://client.example.com/keys';
    expect(parse({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keysUrl })).toMatchObject({
      value: { authentication: { keys: undefined, keysUrl } },
    });
  });

  const otherId = 'the client_id in the document is not its URL';
  const name = 'the document has no usable client_name';
  const redirects = 'the document has no usable redirect_uris';
  const rules = 'a redirect URI in the document breaks the rules';
  const secret = 'the document holds a secret';
  const method = 'the document asks for a way of authentication that needs a secret';
  const keys = 'the document has no keys for private_key_jwt';
  const type = 'a field of the document has the wrong type';

  it.each<[attack: string, refusal: string, change: object]>([
    ['client-impersonation', otherId, { client_id: 'https://claude.ai/client.json' }],
    ['client-impersonation', otherId, { client_id: `${clientId}/` }],
    ['client-impersonation', otherId, { client_id: clientId.toUpperCase() }],
    ['client-impersonation', otherId, { client_id: undefined }],
    ['client-impersonation', otherId, { client_id: [clientId] }],
    ['consent-spoofing', name, { client_name: undefined }],
    ['consent-spoofing', name, { client_name: '' }],
    ['consent-spoofing', name, { client_name: '  ' }],
    ['consent-spoofing', name, { client_name: 7 }],
    ['consent-spoofing', name, { client_name: 'a'.repeat(101) }],
    ['consent-spoofing', name, { client_name: 'Claude\nhost: claude.ai' }],
    ['consent-spoofing', name, { client_name: '\u202eedualC' }],
    ['consent-spoofing', name, { client_name: 'Cla\u200bude' }],
    ['consent-spoofing', name, { client_name: 'Claude\u2028' }],
    ['no redirects', redirects, { redirect_uris: undefined }],
    ['no redirects', redirects, { redirect_uris: [] }],
    ['no redirects', redirects, { redirect_uris: 'https://client.example.com/cb' }],
    ['no redirects', redirects, { redirect_uris: [1] }],
    ['no redirects', redirects, { redirect_uris: ['unknown-app://cb'] }],
    [
      'redirect-flood',
      redirects,
      { redirect_uris: Array.from({ length: 51 }, (_, index) => `https://a.example.com/${index}`) },
    ],
    ['open-redirect', rules, { redirect_uris: ['https://client.example.com/cb', 'javascript:alert(1)'] }],
    ['open-redirect', rules, { redirect_uris: ['http://client.example.com/cb'] }],
    ['open-redirect', rules, { redirect_uris: ['https://client.example.com/cb#'] }],
    ['published-secret', secret, { client_secret: 'x' }],
    ['published-secret', secret, { client_secret_expires_at: 0 }],
    ['published-secret', secret, { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }],
    ['published-secret', secret, { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }],
    ['published-secret', secret, { jwks: { keys: ['x'] } }],
    ['published-secret', method, { token_endpoint_auth_method: 'client_secret_basic' }],
    ['published-secret', method, { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['published-secret', method, { token_endpoint_auth_method: 1 }],
    ['keyless', keys, { token_endpoint_auth_method: 'private_key_jwt' }],
    [
      'two sets of keys',
      keys,
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] }, jwks_uri: 'https://a/b' },
    ],
    ['type-confusion', type, { jwks: [] }],
    ['type-confusion', type, { jwks: { keys: {} } }],
    ['type-confusion', type, { jwks_uri: {} }],
    ['type-confusion', type, { grant_types: 'authorization_code' }],
    ['type-confusion', type, { grant_types: Array.from({ length: 11 }, () => 'a') }],
    ['type-confusion', type, { scope: ['a'] }],
    ['type-confusion', type, { scope: 'a'.repeat(1001) }],
  ])('%s: %s', (_attack, refusal, change) => {
    expect(parse(change)).toEqual({ ok: false, error: refusal });
  });
});
