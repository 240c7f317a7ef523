import { describe, expect, it } from 'vitest';
import { parseAccessWords, type AccessWords } from '../../src/cli/access-words.ts';
import { isGatewayError } from '../../src/lib/gateway-error.ts';
import { cwd, runCli, type Outcome } from './capture-io.ts';

const sha256 = 'a'.repeat(64);
const config = `
routes:
  - path: /mcp
    upstream: 8000
    auth:
      keys:
        - { name: ci, sha256: ${sha256}, scopes: [read] }
        - { name: weak, sha256: ${'b'.repeat(64)} }
    rules:
      - { deny: ['delete_*'] }
      - { allow: [search], who: { principals: ['key:*'] }, scopes: [read] }
      - { allow: true, prompts: [greet], resources: ['memo:*'] }
  - path: /stored
    upstream: 8001
    auth: { keys: stored }
    rules:
      - { allow: [search], scopes: [read] }
  - path: /plain
    upstream: 8002
    auth: { keys: stored }
`;

function explain(...words: string[]): Promise<Outcome> {
  const files = { [`${cwd}/breakwater.yaml`]: config };
  return runCli(['check', '--explain-access', ...words], { files });
}

/** What is said of the first route. */
async function firstRoute(...words: string[]): Promise<string> {
  const { stdout } = await explain(...words);
  return stdout.split('\n\n')[0] ?? '';
}

describe('check --explain-access', () => {
  it('says for each route which rule decides, as data', async () => {
    expect(await explain('key:ci', 'search')).toEqual({
      exit: 0,
      stderr: '',
      stdout: [
        '/mcp: `key:ci`, `search`',
        '  rule 1 does not apply: `search` is none of the tools `delete_*`',
        '  rule 2 decides: caller and operation fit',
        '  allowed by rule 2',
        '',
        '/stored: `key:ci`, `search`',
        '  rule 1 decides: caller and operation fit, but a scope is missing',
        '  rule 1 would allow it with the scopes `read`; say which scopes a stored key has: `key:NAME,scope:SCOPE`',
        '',
        '/plain: `key:ci`, `search`',
        '  allowed, because the route has no rules',
        '',
      ].join('\n'),
    });
  });

  it.each([
    ['key:weak', 'search', 'rule 2 would allow it with the scopes `read`'],
    ['key:weak,scope:read', 'search', 'allowed by rule 2'],
    ['key:ci', 'delete_all', 'denied by rule 1'],
    ['key:ci', 'other', 'denied, because no rule allows it'],
    ['key:ci', 'prompt:greet', 'allowed by rule 3'],
    ['key:ci', 'resource:memo:1', 'allowed by rule 3'],
    ['key:ci', 'resource:memo:/../x', 'denied whatever the rules say, because its URI'],
    ['key:ci', 'method:tasks/list', 'denied, because no rule allows it'],
    ['key:ci', 'method:initialize', 'allowed by rule 2'],
    ['key:ci', 'tool:delete_x', 'denied by rule 1'],
    ['key:other', 'search', 'refused before any rule: the route has no key of this name'],
    ['anonymous', 'search', 'refused before any rule: the route asks who calls'],
    ['sub:alice@https://issuer.example.com', 'search', 'refused before any rule: the route takes no tokens'],
    ['certificate:ci', 'search', 'refused before any rule: the route takes no client certificates'],
  ])('%s, %s: %s', async (user, tool, expected) => {
    expect((await firstRoute(user, tool)).split('\n').at(-1)).toContain(expected);
  });

  it('answers as JSON', async () => {
    const { stdout, exit } = await explain('key:ci', 'search', '--json');
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'breakwater.check/1',
      ok: true,
      access: [
        {
          route: '/mcp',
          decision: 'allow',
          rule: 1,
          scopes: [],
          steps: [
            { rule: 0, matched: false, because: '`search` is none of the tools `delete_*`' },
            { rule: 1, matched: true },
          ],
        },
        { route: '/stored', decision: 'scopes', rule: 0, scopes: ['read'] },
        { route: '/plain', decision: 'allow', rule: null, steps: [] },
      ],
    });
  });

  it.each([
    [['key:ci'], 'takes a USER and a TOOL'],
    [['key:ci', 'search', 'other.yaml'], 'takes a USER and a TOOL'],
    [['ci', 'search'], '`ci` is not a USER'],
    [['', 'search'], 'is not a USER'],
    [['key:', 'search'], 'is not a USER'],
    [['anonymous:x', 'search'], 'is not a USER'],
    [['anonymous,group:a', 'search'], 'is not a USER'],
    [['key:a,key:b', 'search'], 'is not a USER'],
    [['key:a,sub:b', 'search'], 'is not a USER'],
    [['claim:a', 'search'], 'is not a USER'],
    [['claim:=a', 'search'], 'is not a USER'],
  ])('refuses %j', async (words, message) => {
    const { exit, stderr, stdout } = await explain(...words);
    expect(exit).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('E_USAGE');
    expect(stderr).toContain(message);
  });

  it('tells problems of the configuration first', async () => {
    const files = { [`${cwd}/breakwater.yaml`]: 'routes: [{ upstream: 1, rules: [{ alow: true }] }]' };
    const { exit, stdout } = await runCli(['check', '--explain-access', 'anonymous', 'search'], { files });
    expect(exit).toBe(2);
    expect(stdout).toBe('');
  });
});

describe('parseAccessWords', () => {
  const read = (user: string): AccessWords['principal'] => parseAccessWords([user, 'search']).principal;

  it.each([
    [
      'sub:alice@https://issuer.example.com',
      { method: 'token', subject: 'alice', issuer: 'https://issuer.example.com' },
    ],
    [
      'sub:a@example.com@http://i.example.com/x',
      { subject: 'a@example.com', issuer: 'http://i.example.com/x' },
    ],
    ['sub:a@example.com', { subject: 'a@example.com', issuer: undefined }],
    ['group:admins', { method: 'token', groups: ['admins'], subject: undefined }],
    ['group:a,b,group:c,scope:s,client:app', { groups: ['a,b', 'c'], scopes: ['s'], client: 'app' }],
    ['sub:a,claim:dept=x=y,claim:dept=z', { claims: { dept: ['x=y', 'z'] } }],
    ['key:ci', { method: 'key', id: 'key:ci', name: 'ci', client: undefined }],
    ['certificate:ci,group:x', { method: 'certificate', id: 'certificate:ci', groups: ['x'] }],
  ])('reads %s', (user, expected) => {
    expect(read(user)).toMatchObject(expected);
  });

  it('takes a stranger for nobody', () => {
    expect(read('anonymous')).toBeUndefined();
  });

  it('throws a usage error, which the program tells', () => {
    let thrown: unknown;
    try {
      read('nobody');
    } catch (error) {
      thrown = error;
    }
    expect(isGatewayError(thrown)).toBe(true);
  });
});
