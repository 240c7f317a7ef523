import { beforeEach, describe, expect, it } from 'vitest';
import {
  createOutboundCredentials,
  type OutboundConfig,
  type OutboundCredentials,
} from '../../../src/auth/outbound/credentials.ts';
import type { FormAnswer, FormRequest } from '../../../src/auth/outbound/post-form.ts';
import { createSigningKeys } from '../../../src/auth/outbound/signing-keys.ts';
import { createSecretFiles } from '../../../src/state/secret-files.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { buildKeyPrincipal, buildTokenPrincipal } from './principals.ts';

const second = 1000;
const base = {
  kind: 'exchange',
  tokenEndpoint: 'https://idp.example.com/token',
  clientId: 'gate:way',
  clientSecret: 's3cret/+ ü',
  audience: undefined,
  scopes: [],
} as const;

let clock: ManualClock;
let posted: FormRequest[];
let answers: (() => FormAnswer | Promise<FormAnswer>)[];

beforeEach(() => {
  clock = new ManualClock();
  posted = [];
  answers = [];
});

function create(values: Partial<Extract<OutboundConfig, { kind: 'exchange' }>> = {}): OutboundCredentials {
  return createOutboundCredentials(
    { ...base, ...values },
    {
      clock,
      upstream: 'http://127.0.0.1:8000/mcp',
      issuer: 'https://mcp.example.com',
      soleIssuer: undefined,
      keys: createSigningKeys({
        texts: createSecretFiles('/nowhere', clock),
        clock,
        report: () => undefined,
      }),
      async post(form) {
        posted.push(form);
        const answer = answers.shift() ?? (() => issue(`token-${posted.length}`));
        return answer();
      },
    },
  );
}

function issue(token: string, values: Readonly<Record<string, unknown>> = {}): FormAnswer {
  return {
    status: 200,
    body: JSON.stringify({
      access_token: token,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 300,
      ...values,
    }),
  };
}

const alice = buildTokenPrincipal();
const fieldsOf = (token: string): object => ({ ok: true, value: ['authorization', `Bearer ${token}`] });

describe('a token exchange', () => {
  it('asks as RFC 8693 says, with the caller’s token as the subject', async () => {
    expect(await create().fieldsFor(alice, 'subject-token')).toEqual(fieldsOf('token-1'));
    const [form] = posted;
    expect(form?.url).toBe('https://idp.example.com/token');
    expect(Object.fromEntries(new URLSearchParams(form?.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'subject-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'http://127.0.0.1:8000/mcp',
    });
    const basic = Buffer.from(form?.authorization.slice('Basic '.length) ?? '', 'base64').toString();
    expect(basic).toBe('gate%3Away:s3cret%2F%2B+%C3%BC');
  });

  it('asks for the audience and scopes of the configuration', async () => {
    await create({ audience: 'tools', scopes: ['a', 'b'] }).fieldsFor(alice, 'x');
    const form = new URLSearchParams(posted[0]?.body);
    expect([form.get('audience'), form.get('scope')]).toEqual(['tools', 'a b']);
  });

  it('form-injection: no token adds a parameter', async () => {
    await create().fieldsFor(alice, 'x&audience=evil&scope=admin');
    const form = new URLSearchParams(posted[0]?.body);
    expect([form.getAll('audience'), form.get('scope')]).toEqual([['http://127.0.0.1:8000/mcp'], null]);
  });

  it.each([
    'http://idp.example.com/token',
    'http://localhost.example.com/token',
    'http://127.0.0.1.example.com/',
    'http://0.0.0.0/',
    'http://localhost@idp.example.com/',
    'ftp://localhost/',
    'idp',
  ])('never takes a token to %s', (tokenEndpoint) => {
    expect(() => create({ tokenEndpoint })).toThrow(/https/);
  });

  it.each([
    'http://localhost:8080/token',
    'http://127.0.0.1/',
    'http://[::1]:1/',
    'https://idp.example.com/',
  ])('control: may take one to %s', (tokenEndpoint) => {
    expect(create({ tokenEndpoint }).names).toEqual(['authorization']);
  });

  it('key-leak: API keys and certificates are not exchanged, and nothing is sent', async () => {
    const credentials = create();
    for (const [principal, token] of [
      [buildKeyPrincipal('ci'), 'bwk_secret'],
      [undefined, 'x'],
      [alice, undefined],
    ] as const) {
      expect(credentials.fieldsFor(principal, token)).toMatchObject({
        ok: false,
        error: { code: 'E_UPSTREAM_CREDENTIALS' },
      });
    }
    expect(posted).toEqual([]);
  });
});

describe('what is remembered', () => {
  it('is used until shortly before its end', async () => {
    const credentials = create();
    const first = await credentials.fieldsFor(alice, 'x');
    clock.jump(270 * second - 1);
    expect(credentials.fieldsFor(alice, 'x')).toBe(first);
    clock.jump(1);
    expect(await credentials.fieldsFor(alice, 'x')).toEqual(fieldsOf('token-2'));
  });

  it('is one caller’s and one token’s', async () => {
    const credentials = create();
    const bob = buildTokenPrincipal({ subject: 'bob', id: 'token:bob' });
    const found = [
      await credentials.fieldsFor(alice, 'x'),
      await credentials.fieldsFor(alice, 'y'),
      await credentials.fieldsFor(bob, 'x'),
    ];
    expect(found).toEqual(['token-1', 'token-2', 'token-3'].map(fieldsOf));
    expect(credentials.fieldsFor({ ...alice }, 'x')).toEqual(fieldsOf('token-1'));
  });

  it('ends with the caller’s own token, and after a minute where nothing is said', async () => {
    const short = create();
    await short.fieldsFor({ ...alice, expiresAt: clock.now() + 5 * second }, 'x');
    clock.jump(5 * second);
    expect(short.fieldsFor(alice, 'x')).toBeInstanceOf(Promise);
    answers.push(() => issue('unsaid', { expires_in: undefined }));
    const credentials = create();
    const fields = await credentials.fieldsFor(alice, 'x');
    clock.jump(54 * second - 1);
    expect(credentials.fieldsFor(alice, 'x')).toBe(fields);
    clock.jump(1);
    expect(credentials.fieldsFor(alice, 'x')).toBeInstanceOf(Promise);
  });

  it('is asked for once by calls that come together', async () => {
    const credentials = create();
    const found = await Promise.all(
      Array.from({ length: 50 }, async () => credentials.fieldsFor(alice, 'x')),
    );
    expect(posted).toHaveLength(1);
    expect(new Set(found).size).toBe(1);
  });

  it('of a failure is forgotten after five seconds', async () => {
    answers.push(() => Promise.reject(new Error('connect ECONNREFUSED')));
    const credentials = create();
    const failed = await credentials.fieldsFor(alice, 'x');
    expect(failed).toEqual({
      ok: false,
      error: {
        code: 'E_UPSTREAM_CREDENTIALS',
        reason: 'the token endpoint cannot be reached: connect ECONNREFUSED',
      },
    });
    clock.jump(5 * second - 1);
    expect(credentials.fieldsFor(alice, 'x')).toBe(failed);
    clock.jump(1);
    expect(await credentials.fieldsFor(alice, 'x')).toEqual(fieldsOf('token-2'));
  });
});

describe('an answer that is none', () => {
  const refusal = (body: string, status = 400): FormAnswer => ({ status, body });
  it.each([
    ['a refusal', refusal('{"error":"invalid_grant","error_description":"x"}'), /status 400, invalid_grant$/],
    ['a refusal that quotes the token', refusal('{"error":"bad subject-token\\n"}'), /status 400$/],
    ['an outage', refusal('<html>', 503), /status 503$/],
    ['a redirect', refusal('', 302), /status 302$/],
    ['no JSON', refusal('access_token=x', 200), /JSON object$/],
    ['a list', refusal('[]', 200), /JSON object$/],
    ['no token', issue('', { access_token: undefined }), /no header can carry$/],
    ['an empty token', issue(''), /no header can carry$/],
    ['header-injection', issue('a\r\nX-Admin: true'), /no header can carry$/],
    ['a token with a space', issue('a b'), /no header can carry$/],
    ['a token of other letters', issue('ä'), /no header can carry$/],
    ['a huge token', issue('x'.repeat(8193)), /no header can carry$/],
    ['a token that is no access token', issue('x', { token_type: 'N_A' }), /bearer/],
    ['a DPoP token', issue('x', { token_type: 'DPoP' }), /bearer/],
    ['no type', issue('x', { token_type: undefined }), /bearer/],
  ])('%s has a reason for the log, without the token', async (_what, answer, reason) => {
    answers.push(() => answer);
    const found = await create().fieldsFor(alice, 'subject-token');
    if (found.ok) throw new Error('was taken');
    expect(found.error.code).toBe('E_UPSTREAM_CREDENTIALS');
    expect(found.error.reason).toMatch(reason);
    expect(found.error.reason).not.toContain('subject-token');
  });

  it.each([['-1'], ['"300"'], ['null'], ['1e999']])(
    'control: expires_in of %s counts as unsaid',
    async (text) => {
      answers.push(() => ({
        status: 200,
        body: `{"access_token":"x","token_type":"bearer","expires_in":${text}}`,
      }));
      const credentials = create();
      expect(await credentials.fieldsFor(alice, 'x')).toEqual(fieldsOf('x'));
      clock.jump(54 * second);
      expect(credentials.fieldsFor(alice, 'x')).toBeInstanceOf(Promise);
    },
  );
});
