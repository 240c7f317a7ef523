import { describe, expect, it } from 'vitest';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import { printConfig } from '../../src/config/print.ts';
import { configOf, loadText } from './load-text.ts';

const env = { SECRET: 'abc', HOME: '/home/op' };
const issuer = 'https://login.example.com';
const client = 'client_id: a, client_secret_env: SECRET';

async function print(text: string, flags: { auth?: 'oauth' } = {}): Promise<string> {
  const loaded = await loadText(text, { env, flags });
  if (!loaded.ok) throw new Error(renderDiagnostics(loaded.error));
  return printConfig(loaded.value.config, loaded.value.provenance);
}

const texts = [
  'routes: [{ upstream: 1 }]\nauth: oauth\n',
  'routes: [{ upstream: 1, auth: { keys: stored, oauth: true } }]\nauth: oauth\n',
  `routes: [{ upstream: 1 }]\nauth: { oauth: { issuer: ${issuer}, required_scopes: [a], clock_skew: 1m } }\n`,
  `routes: [{ upstream: 1 }]\nauth: { oauth: { issuers: [${issuer}, { issuer: https://b.example.com, types: [at+jwt] }], server: true } }\n`,
  `routes: [{ upstream: 1, auth: { oauth: { issuers: [{ issuer: ${issuer}, jwks: ${issuer}/k, scope_prefix: "api://app/", ca: a.pem, introspection: { url: ${issuer}/i, ${client} } }] } } }]\n`,
  `routes: [{ upstream: 1, auth: { oauth: { server: { login: [accounts, { oidc: { issuer: ${issuer}, ${client}, allow: { users: [a], groups: [b] } } }, { github: { ${client}, allow: { users: [c] } } }], redirects: ["com.example.app:/"], refresh_token: 400d } } } }, { path: /b, upstream: 2, auth: oauth }]\n`,
  'routes: [{ upstream: 1, auth: oauth, rules: [{ allow: [a, "b*"] }, { allow: true, tools: [c], scopes: [d] }, { deny: true, who: { groups: [e], claims: { f: [g, 1] } } }, { allow: true, methods: ["tasks/*"], prompts: [h], resources: ["file:///*"] }] }]\n',
  'routes: [{ upstream: 1, auth: oauth, credentials: { header: { name: X-Key, value_env: SECRET } } }]\n',
  'routes: [{ upstream: 1, auth: oauth, credentials: { jwt: { audience: a, lifetime: 5m } } }, { path: /b, upstream: 2, auth: oauth, credentials: { jwt: true } }]\n',
  `routes: [{ upstream: 1, auth: oauth, credentials: { exchange: { token_endpoint: ${issuer}/t, ${client}, scopes: [a] } } }]\n`,
  'routes: [{ upstream: 1, auth: oauth }]\nlimits: { rates: [{ per: tool, requests: 3, tools: [a], routes: [/mcp] }], concurrency: [{ per: client, streams: 2 }] }\n',
];

describe('the printed access control', () => {
  it.each(texts)('means the same when it is read again: %j', async (text) => {
    expect(await configOf(await print(text), { env })).toEqual(await configOf(text, { env }));
  });

  it('shows what was written, and where', async () => {
    const text = `routes:\n  - upstream: 1\n    auth: { oauth: { issuer: ${issuer} } }\n    rules: [{ deny: [a] }]\n`;
    const printed = (await print(text)).replaceAll(/ +#/g, ' #');
    expect(printed).toContain(`    auth:
      oauth:
        issuer: ${issuer} # breakwater.yaml:3:30
        audiences: [] # default
        scopes: [] # default
        required_scopes: [] # default
        clock_skew: 30s # default
    rules:
      - deny:
          - a # breakwater.yaml:4:22
    credentials: none # default
`);
  });

  it('names the command line', async () => {
    const printed = await print('routes: [{ upstream: 1 }]\n', { auth: 'oauth' });
    expect(printed.replaceAll(/ +#/g, ' #')).toContain('    auth: oauth # --auth (command line)\n');
  });

  it('shortens hashes, and shows scopes and ends of keys', async () => {
    const key = `{ name: a, sha256: ${'0a'.repeat(32)}, scopes: [read], expires: 2030-01-31 }`;
    const printed = await print(`routes: [{ upstream: 1 }]\nauth: { keys: [${key}] }\n`);
    expect(printed.replaceAll(/ +#.*/g, '')).toContain(`      keys:
        - name: a
          sha256: 0a0a0a0a...
          scopes:
            - read
          expires: 2030-01-31T00:00:00Z
`);
  });
});
