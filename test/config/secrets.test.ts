import { describe, expect, it } from 'vitest';
import { toDiagnosticJson } from '../../src/lib/diagnostic-json.ts';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import { printConfig } from '../../src/config/print.ts';
import { loadText } from './load-text.ts';

const secret = 'Hunter2';
const long = 'bw_7f3KqLz0Xc9VbN2mR5tY8uW1';

/** Each is a mistake next to, or with, a secret. */
const mistakes: readonly (readonly [name: string, text: string])[] = [
  ['a key in place of its hash', `auth: { keys: [{ name: a, sha256: ${secret} }] }`],
  [
    'a key in place of its hash, on its own line',
    `auth:\n  keys:\n    - name: a\n      sha256:\n        ${secret}`,
  ],
  ['a key under another name', `auth: { keys: [{ name: a, key: ${secret} }] }`],
  ['a key in place of a mapping', `auth: { keys: [${secret}] }`],
  ['a key in place of the method', `auth: ${secret}`],
  [
    'a key beside another mistake',
    `routes: [{ upsteam: 1, auth: { keys: [{ name: a, sha256: ${secret} }] } }]`,
  ],
  ['a password in a URL', `routes: [{ upstream: "http://me:${secret}@host/mcp" }]`],
  ['a token that is no setting', `api_token: ${secret}`],
  ['a long random word where a setting is expected', `${long}: 1`],
  ['a long random word as a value', `log: { level: ${long} }`],
  ['a secret in broken YAML', `auth: { keys: [{ name: a, sha256: "${secret} }] }`],
  ['a secret where YAML expects nothing', `token: "a" ${secret}`],
  ['a passphrase in place of its variable', `tls: { cert: c, key: k, passphrase_env: ${secret} }`],
  ['a passphrase in place of its file', `tls: { passphrase_file: ${secret} }`],
  ['a passphrase under another name', `tls: { cert: c, key: k, passphrase: ${secret} }`],
  [
    'an HMAC key in place of its file',
    `domains: [a.example]\ntls: { acme: { eab: { kid: k, hmac_key_file: ${secret} } } }`,
  ],
  [
    'an HMAC key in place of its variable',
    `domains: [a.example]\ntls: { acme: { eab: { kid: k, hmac_key_env: ${secret}${long} } } }`,
  ],
  ['an HMAC key under another name', `tls: { acme: { eab: { kid: k, hmac_key: ${secret} } } }`],
  ['a key in place of `stored`', `auth: { keys: ${secret} }`],
  ['a key in place of a method', `auth: { oauth: ${secret} }`],
  [
    'a client secret under another name',
    `auth: { oauth: { server: { login: [{ github: { client_id: a, client_secret: ${secret} } }] } } }`,
  ],
  [
    'a client secret on its own line',
    `auth:\n  oauth:\n    server:\n      login:\n        - github:\n            client_secret:\n              ${secret}`,
  ],
  [
    'a client secret in place of its variable',
    `auth: { oauth: { server: { login: [{ github: { client_secret_env: ${secret}- } }] } } }`,
  ],
  [
    'a client secret in place of its file',
    `auth: { oauth: { issuers: [{ introspection: { client_secret_file: ${secret} } }] } }`,
  ],
  [
    'a list of client secrets',
    `routes: [{ upstream: 1, credentials: { exchange: { client_secret_env: [${secret}] } } }]`,
  ],
  [
    'a value of a header under another name',
    `routes: [{ upstream: 1, credentials: { header: { name: a, value: ${secret} } } }]`,
  ],
  [
    'a value of a header in place of its variable',
    `routes: [{ upstream: 1, credentials: { header: { name: a, value_env: ${secret} ${secret} } } }]`,
  ],
  [
    'a value of a header on its own line',
    `routes:\n  - upstream: 1\n    credentials:\n      header:\n        name: a\n        value:\n          ${secret}`,
  ],
  [
    'a password in the URL of an issuer',
    `auth: { oauth: { issuer: "https://me:${secret}@login.example.com" } }`,
  ],
  ['a secret that begins like a word of a setting', `password: true ${secret}`],
  ['a password in the URL of a Redis', `state: { redis: "redis://me:${secret}@redis.example.com/x" }`],
  [
    'a password in the URL of a Redis, with signs that end it elsewhere',
    `state: { redis: "redis://:a/b@${secret}@redis.example.com" }`,
  ],
  [
    'a password of Redis under another name',
    `state: { redis: { url: "redis://localhost", password: ${secret} } }`,
  ],
  ['a password of Redis in place of its variable', `state: { redis: { password_env: ${secret}- } }`],
  [
    'a password of Redis in place of its file',
    `state: { redis: { url: unix:/r, password_file: ${secret} } }`,
  ],
  ['a secret in a header', `header: "Authorization: Bearer ${secret}"`],
];

describe('attack: secrets read from error messages', () => {
  it.each(mistakes)('%s', async (_name, text) => {
    const loaded = await loadText(`${text}\n`);
    if (loaded.ok) throw new Error('the mistake was not found');
    const shown = renderDiagnostics(loaded.error) + JSON.stringify(loaded.error.map(toDiagnosticJson));
    expect(shown).not.toMatch(new RegExp(`${secret}|${long}`, 'i'));
  });

  it('in variables and flags', async () => {
    const env = { BREAKWATER_LISTEN: `http://me:${secret}@host` };
    const loaded = await loadText(undefined, { env, flags: { target: `http://me:${secret}@host?x` } });
    if (loaded.ok) throw new Error('the mistakes were not found');
    expect(loaded.error).toHaveLength(2);
    expect(renderDiagnostics(loaded.error)).not.toContain(secret);
  });

  it('in the printed configuration', async () => {
    const hash = 'c0ffee11'.repeat(8);
    const loaded = await loadText(
      `routes: [{ upstream: 1 }]\nauth: { keys: [{ name: a, sha256: ${hash} }] }\n`,
    );
    if (!loaded.ok) throw new Error(renderDiagnostics(loaded.error));
    const printed = printConfig(loaded.value.config, loaded.value.provenance);
    expect(printed).toContain('sha256: c0ffee11...');
    expect(printed).not.toContain(hash.slice(0, 9));
  });

  it('in the printed configuration of access control', async () => {
    const env = { CLIENT: `${secret}-client`, VALUE: `${secret}-value`, HOME: '/home/op' };
    const client = 'client_id: a, client_secret_env: CLIENT';
    const loaded = await loadText(
      `
auth:
  oauth:
    issuers: [{ issuer: https://a.example.com, introspection: { url: https://a.example.com/i, ${client} } }]
    server: { login: [{ oidc: { issuer: https://b.example.com, ${client} } }, { github: { ${client}, allow: { users: [a] } } }] }
routes:
  - { upstream: 1, credentials: { header: { name: Authorization, value_env: VALUE } } }
  - { path: /b, upstream: 2, credentials: { exchange: { token_endpoint: https://a.example.com/t, ${client} } } }
`,
      { env },
    );
    if (!loaded.ok) throw new Error(renderDiagnostics(loaded.error));
    const { config, provenance, warnings } = loaded.value;
    expect(JSON.stringify(config)).toContain(`${secret}-client`);
    const shown =
      printConfig(config, provenance) + JSON.stringify([...provenance]) + renderDiagnostics(warnings);
    expect(shown).toContain('client_secret_env: CLIENT');
    expect(shown).toContain('value_env: VALUE');
    expect(shown).not.toContain(secret);
  });

  it('control: what is no secret is shown', async () => {
    const loaded = await loadText('routes: [{ upsteam: http://127.0.0.1:8000/mcp, auth: none }]\n');
    if (loaded.ok) throw new Error('the mistake was not found');
    expect(renderDiagnostics(loaded.error)).toContain('[{ upsteam: http://127.0.0.1:8000/mcp, auth: none }]');
  });
});

it('secrets of another machine are neither asked for nor read here', async () => {
  const text = `routes: [{ upstream: 1, credentials: { header: { name: x-key, value_env: KEY } } }]\n`;
  const here = await loadText(text, { env: { HOME: '/home/op' } });
  expect(here.ok).toBe(false);
  const elsewhere = await loadText(text, {
    env: { HOME: '/home/op', KEY: 'of-this-machine' },
    secrets: 'named',
  });
  expect(elsewhere.ok && elsewhere.value.config.routes[0]?.credentials).toMatchObject({ value: '' });
  const unset = await loadText(text, { env: { HOME: '/home/op' }, secrets: 'named' });
  expect(unset.ok).toBe(true);
});
