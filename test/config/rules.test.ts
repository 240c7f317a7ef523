import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { compileRules } from '../../src/auth/rules/compile.ts';
import { decide } from '../../src/auth/rules/decide.ts';
import type { Principal } from '../../src/auth/principal.ts';
import type { RuleConfig, UpstreamCredentialsConfig } from '../../src/config/config.ts';
import { covers } from '../../src/config/rule-cover.ts';
import { configOf, cwd, problemsOf } from './load-text.ts';

const everyone = { principals: [], issuers: [], subjects: [], clients: [], groups: [], claims: {} };
const plain: RuleConfig = {
  effect: 'allow',
  who: everyone,
  methods: [],
  tools: [],
  prompts: [],
  resources: [],
  scopes: [],
};

async function rulesOf(rules: string): Promise<readonly RuleConfig[] | undefined> {
  const config = await configOf(`routes: [{ upstream: 1, auth: oauth, rules: ${rules} }]\n`);
  return config.routes[0]?.rules;
}

async function credentialsOf(
  credentials: string,
  overrides: Parameters<typeof configOf>[1] = {},
): Promise<UpstreamCredentialsConfig | undefined> {
  const text = `routes: [{ upstream: 1, auth: oauth, credentials: ${credentials} }]\n`;
  return (await configOf(text, overrides)).routes[0]?.credentials;
}

describe('rules', () => {
  it('are absent unless they are given', async () => {
    expect((await configOf('routes: [{ upstream: 1 }]\n')).routes[0]?.rules).toBeUndefined();
  });

  it.each<[string, Partial<RuleConfig>]>([
    ['{ allow: true }', {}],
    ['{ deny: true }', { effect: 'deny' }],
    ['{ allow: [search, "read_*"] }', { tools: ['search', 'read_*'] }],
    ['{ deny: ["delete_*"] }', { effect: 'deny', tools: ['delete_*'] }],
    ['{ allow: true, tools: [a], prompts: ["*"] }', { tools: ['a'], prompts: ['*'] }],
    ['{ allow: true, methods: ["tools/*", ping] }', { methods: ['tools/*', 'ping'] }],
    ['{ allow: true, resources: ["https://[::1]/?q=*"] }', { resources: ['https://[::1]/?q=*'] }],
    ['{ allow: [a], scopes: [write] }', { tools: ['a'], scopes: ['write'] }],
    ['{ allow: true, who: { groups: [ops] } }', { who: { ...everyone, groups: ['ops'] } }],
    [
      '{ allow: true, who: { claims: { team: [blue], level: [3], email_verified: [true] } } }',
      { who: { ...everyone, claims: { team: ['blue'], level: ['3'], email_verified: ['true'] } } },
    ],
  ])('%s is read', async (text, expected) => {
    expect(await rulesOf(`[${text}]`)).toEqual([{ ...plain, ...expected }]);
  });

  it.each([
    ['groups', '{ groups: [] }'],
    ['claims', '{ claims: {} }'],
    ['values of a claim', '{ claims: { team: [] } }'],
    ['anything', '{}'],
    ['a claim that a parser drops', '{ claims: { __proto__: [blue] } }'],
    ['a claim that a parser drops, beside another', '{ claims: { team: [blue], __proto__: [x] } }'],
  ])('attack: an empty list of %s admits everyone', async (_name, who) => {
    const rules = `routes: [{ upstream: 1, auth: oauth, rules: [{ allow: true, who: ${who} }] }]\n`;
    expect((await problemsOf(rules)).join()).toMatch(/`routes\[0\]\.rules\[0\]\.who/);
  });

  it.each(['[{ allow: [a] }, { deny: [b] }]', '[{ deny: [read_secret] }, { allow: ["read_*"] }]'])(
    'control: %s has no rule in vain',
    async (rules) => {
      await expect(rulesOf(rules)).resolves.toHaveLength(2);
    },
  );
});

const pattern = fc
  .array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join(''));
const patterns = fc.oneof(fc.constant([]), fc.array(pattern, { minLength: 1, maxLength: 2 }));
const principals = fc.oneof(patterns, fc.constant(['anonymous']), fc.constant(['*', 'anonymous']));
const rule: fc.Arbitrary<RuleConfig> = fc.record({
  effect: fc.constantFrom('allow', 'deny'),
  who: fc.record({
    principals,
    issuers: fc.constant([]),
    subjects: fc.constant([]),
    clients: fc.constant([]),
    groups: patterns,
    claims: fc.oneof(
      fc.constant({}),
      patterns.map((a) => ({ a })),
      patterns.map((b) => ({ b })),
    ),
  }),
  methods: fc.oneof(fc.constant([]), fc.constantFrom(['tools/call'], ['tools/*'], ['prompts/get'])),
  tools: patterns,
  prompts: patterns,
  resources: fc.constant([]),
  scopes: fc.constant([]),
});
const word = fc.constantFrom('', 'a', 'b', 'ab', 'ba', 'aab');
const principal: fc.Arbitrary<Principal | undefined> = fc.option(
  fc
    .record({
      id: word,
      groups: fc.array(word, { maxLength: 2 }),
      claims: fc.dictionary(fc.constantFrom('a', 'b'), word),
    })
    .map(({ id, groups, claims }): Principal => ({
      method: 'token',
      id,
      name: id,
      issuer: undefined,
      subject: undefined,
      client: undefined,
      scopes: [],
      groups,
      claims,
      expiresAt: undefined,
    })),
  { nil: undefined },
);
const operation = fc.constantFrom(
  { method: 'tools/call', kind: 'tool' } as const,
  { method: 'prompts/get', kind: 'prompt' } as const,
  { method: 'resources/read', kind: 'resource' } as const,
);

describe('a rule that another covers', () => {
  it('never decides, whoever does whatever', () => {
    let covered = 0;
    fc.assert(
      fc.property(rule, rule, principal, operation, word, (earlier, later, who, what, name) => {
        if (!covers(earlier, later)) return;
        covered++;
        const decision = decide(compileRules([earlier, later]), { ...what, principal: who, name });
        expect(decision.kind !== 'scopes' && decision.rule).not.toBe(1);
      }),
      { numRuns: 20_000 },
    );
    expect(covered).toBeGreaterThan(300);
  });

  it.each<[string, Partial<RuleConfig>, Partial<RuleConfig>, boolean]>([
    ['everything before all', {}, { tools: ['a'] }, true],
    ['a wildcard before what it meets', { tools: ['read_*'] }, { tools: ['read_a*', 'read_b'] }, true],
    ['a name before a wildcard', { tools: ['read_a'] }, { tools: ['read_*'] }, false],
    ['tools before everything', { tools: ['*'] }, {}, false],
    ['tools before prompts', { tools: ['*'] }, { prompts: ['a'] }, false],
    ['one method before all', { methods: ['tools/call'] }, { tools: ['a'] }, false],
    [
      'everyone known before a stranger',
      { who: { ...everyone, principals: ['*'] } },
      { who: { ...everyone, principals: ['anonymous'] } },
      false,
    ],
    ['a group before everyone', { who: { ...everyone, groups: ['a'] } }, {}, false],
    [
      'a claim before another',
      { who: { ...everyone, claims: { a: ['*'] } } },
      { who: { ...everyone, claims: { b: ['x'] } } },
      false,
    ],
  ])('%s', (_name, earlier, later, expected) => {
    expect(covers({ ...plain, ...earlier }, { ...plain, ...later })).toBe(expected);
  });
});

describe('credentials for the upstream', () => {
  const env = { KEY: 'Bearer abc', HOME: '/home/op' };

  it('are none by default', async () => {
    expect((await configOf('routes: [{ upstream: 1 }]\n')).routes[0]?.credentials).toEqual({ kind: 'none' });
  });

  it.each([
    [
      '{ header: { name: Authorization, value_env: KEY } }',
      {
        kind: 'header',
        name: 'authorization',
        value: 'Bearer abc',
        valueSource: { kind: 'environment', name: 'KEY' },
      },
    ],
    [
      '{ header: { name: X-API-Key, value_file: key.txt } }',
      {
        kind: 'header',
        name: 'x-api-key',
        value: 'from-file',
        valueSource: { kind: 'file', path: `${cwd}/key.txt` },
      },
    ],
    ['{ jwt: true }', { kind: 'jwt', audience: undefined, lifetime: 60_000 }],
    ['{ jwt: { audience: mcp, lifetime: 5m } }', { kind: 'jwt', audience: 'mcp', lifetime: 300_000 }],
    [
      '{ exchange: { token_endpoint: https://login.example.com/token, client_id: c, client_secret_env: KEY, scopes: [a] } }',
      {
        kind: 'exchange',
        tokenEndpoint: 'https://login.example.com/token',
        clientId: 'c',
        clientSecret: 'Bearer abc',
        clientSecretSource: { kind: 'environment', name: 'KEY' },
        audience: undefined,
        scopes: ['a'],
      },
    ],
  ])('%s', async (text, expected) => {
    expect(await credentialsOf(text, { env, files: { [`${cwd}/key.txt`]: 'from-file\r\n' } })).toEqual(
      expected,
    );
  });

  it.each(['a\nx-admin: 1', 'a\r\n\r\nGET / HTTP/1.1', 'a\0b', ' a', 'a ', 'ä', '\n'])(
    'attack: header injection by the value %j',
    async (value) => {
      const text =
        'routes: [{ upstream: 1, auth: oauth, credentials: { header: { name: X-Key, value_env: KEY } } }]\n';
      expect(await problemsOf(text, { env: { KEY: value } })).toEqual([
        'E_CONFIG_VALUE: `routes[0].credentials.header.value_env` leads to something that cannot be sent',
      ]);
    },
  );

  it.each([
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'X-Forwarded-For',
    'Forwarded',
    'Mcp-Session-Id',
    'x key',
    'x:y',
    '',
  ])('attack: the field %j is replaced', async (name) => {
    const header = JSON.stringify({ name, value_env: 'KEY' });
    const text = `routes: [{ upstream: 1, auth: oauth, credentials: { header: ${header} } }]\n`;
    expect((await problemsOf(text, { env })).join()).toMatch(
      /credentials\.header\.name` is (?:not|a header field)/,
    );
  });
});

describe('rates and concurrency', () => {
  it('are read', async () => {
    const { limits } = await configOf(`
routes: [{ upstream: 1, auth: oauth }, { path: /b, upstream: 2, auth: oauth }]
limits:
  rates:
    - { per: principal, requests: 100 }
    - { per: tool, requests: 5, within: 1h, routes: [/b/], tools: ["search_*"] }
  concurrency:
    - { per: address, calls: 10 }
    - { per: client, streams: 2, routes: [/mcp] }
`);
    expect(limits.rates).toEqual([
      { per: 'principal', requests: 100, within: 60_000, routes: [], tools: [] },
      { per: 'tool', requests: 5, within: 3_600_000, routes: ['/b'], tools: ['search_*'] },
    ]);
    expect(limits.concurrency).toEqual([
      { per: 'address', calls: 10, streams: undefined, routes: [] },
      { per: 'client', calls: undefined, streams: 2, routes: ['/mcp'] },
    ]);
  });

  it('of an open route may be those of addresses', async () => {
    const config = await configOf(
      'routes: [{ upstream: 1 }]\nlimits: { rates: [{ per: address, requests: 1 }] }\n',
    );
    expect(config.limits.rates).toHaveLength(1);
  });
});
