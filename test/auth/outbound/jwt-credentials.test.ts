import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JWTVerifyResult } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  createOutboundCredentials,
  type OutboundCredentials,
  type OutboundFields,
} from '../../../src/auth/outbound/credentials.ts';
import { createSigningKeys, type SigningKeys } from '../../../src/auth/outbound/signing-keys.ts';
import type { Principal } from '../../../src/auth/principal.ts';
import { createSecretFiles } from '../../../src/state/secret-files.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { buildKeyPrincipal, buildTokenPrincipal } from './principals.ts';

const issuer = 'https://mcp.example.com';
const upstream = 'http://127.0.0.1:8000/mcp';
const second = 1000;

let clock: ManualClock;
let keys: SigningKeys;

beforeEach(() => {
  clock = new ManualClock(Date.UTC(2026, 0, 1));
  keys = createSigningKeys({ texts: createSecretFiles('/nowhere', clock), clock, report: () => undefined });
});

function create(audience?: string, lifetime = 60 * second): OutboundCredentials {
  return createOutboundCredentials(
    { kind: 'jwt', audience, lifetime },
    {
      clock,
      upstream,
      issuer,
      soleIssuer: 'https://idp.example.com',
      keys,
      post: () => Promise.reject(new Error('nothing is posted')),
    },
  );
}

function toToken(answer: OutboundFields): string {
  if (!answer.ok) throw new Error(answer.error.reason);
  const [name, value, ...more] = answer.value;
  expect([name, more]).toEqual(['authorization', []]);
  return /^Bearer ([\w.-]+)$/.exec(value ?? '')?.[1] ?? '';
}

async function take(credentials: OutboundCredentials, principal: Principal | undefined): Promise<string> {
  return toToken(await credentials.fieldsFor(principal, 'the client’s own'));
}

function verify(token: string, audience = upstream): Promise<JWTVerifyResult> {
  return jwtVerify(token, createLocalJWKSet(keys.jwks()), {
    issuer,
    audience,
    algorithms: ['ES256'],
    typ: 'at+jwt',
    currentDate: new Date(clock.now()),
  });
}

describe('a token for the upstream', () => {
  it('says who calls, and verifies with the published keys', async () => {
    const token = await take(create(), buildTokenPrincipal());
    const { payload, protectedHeader } = await verify(token);
    const iat = clock.now() / 1000;
    expect(payload).toEqual({
      iss: issuer,
      aud: upstream,
      sub: 'alice',
      client_id: 'cli',
      sub_id: { format: 'iss_sub', iss: 'https://idp.example.com', sub: 'alice' },
      scope: 'tools:read tools:call',
      groups: ['staff'],
      iat,
      exp: iat + 60,
      jti: expect.stringMatching(/^[\da-f-]{36}$/) as string,
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: keys.current.kid, typ: 'at+jwt' });
  });

  it('is for the configured audience where there is one', async () => {
    const token = await take(create('urn:example:tools'), buildKeyPrincipal('ci'));
    expect((await verify(token, 'urn:example:tools')).payload.sub).toBe('key:ci');
  });

  it('token-replay: is refused at another upstream, and after its time', async () => {
    const token = await take(create(), buildTokenPrincipal());
    await expect(verify(token, 'http://127.0.0.1:9000/mcp')).rejects.toThrow(/aud/);
    clock.jump(60 * second - 1);
    await expect(verify(token)).resolves.toBeDefined();
    clock.jump(1);
    await expect(verify(token)).rejects.toThrow(/exp/);
  });

  it('algorithm-confusion: neither alg none nor an HMAC with the public key passes for one', async () => {
    const [, payload = ''] = (await take(create(), buildTokenPrincipal())).split('.');
    for (const alg of ['none', 'HS256', 'ES384']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: keys.current.kid, typ: 'at+jwt' }));
      await expect(verify(`${header.toString('base64url')}.${payload}.AAAA`)).rejects.toThrow();
    }
  });

  it('header-injection: no claim gets a line break or another field out', async () => {
    const evil = 'x\r\nX-Admin: true\r\n\r\nGET / HTTP/1.1\0\u2028é';
    const principal = buildTokenPrincipal({ subject: evil, client: evil, scopes: [evil], groups: [evil] });
    const answer = await create().fieldsFor(principal, undefined);
    expect(answer).toMatchObject({
      ok: true,
      value: ['authorization', expect.stringMatching(/^Bearer [\w.-]+$/)],
    });
    expect(decodeJwt(toToken(answer))).toMatchObject({ sub: evil, client_id: evil, groups: [evil] });
  });

  it('huge claims make no token that common servers refuse', async () => {
    const long = 'x'.repeat(8000);
    const list = Array.from({ length: 1000 }, (_value, index) => `group-${index}`);
    const principal = buildTokenPrincipal({ subject: long, client: long, scopes: list, groups: list });
    expect((await take(create(), principal)).length).toBeLessThan(8192);
    const most = buildTokenPrincipal({
      subject: 's'.repeat(512),
      client: 'c'.repeat(512),
      scopes: ['s'.repeat(3072)],
      groups: ['g'.repeat(3060)],
    });
    expect((await take(create(), most)).length).toBeLessThan(12_288);
  });

  it('of any lifetime lasts for an hour at most, and a second at least', async () => {
    for (const [lifetime, expected] of [
      [86_400_000, 3600],
      [0, 1],
      [90_400, 90],
    ] as const) {
      const { iat = 0, exp } = decodeJwt(await take(create(undefined, lifetime), buildTokenPrincipal()));
      expect(exp).toBe(iat + expected);
    }
  });

  it('does not outlive the credential it speaks for', async () => {
    const principal = buildTokenPrincipal({ expiresAt: clock.now() + 10 * second });
    const credentials = create();
    const token = await take(credentials, principal);
    expect(decodeJwt(token).exp).toBe(clock.now() / 1000 + 10);
    clock.jump(10 * second - 1);
    expect(await take(credentials, principal)).toBe(token);
    clock.jump(1);
    expect(await credentials.fieldsFor(principal, undefined)).toMatchObject({
      ok: false,
      error: { code: 'E_AUTH_INVALID' },
    });
  });
});

describe('the hot path', () => {
  it('is a look-up: the same answer, at once', async () => {
    const credentials = create();
    const principal = buildTokenPrincipal();
    const first = await credentials.fieldsFor(principal, undefined);
    clock.jump(30 * second - 1);
    expect(credentials.fieldsFor(principal, 'other')).toBe(first);
  });

  it('two tokens of one person do not share their scopes', async () => {
    const credentials = create();
    const all = await take(credentials, buildTokenPrincipal());
    const few = await take(credentials, buildTokenPrincipal({ scopes: ['tools:read'] }));
    expect([all, few].map((token) => decodeJwt(token)['scope'])).toEqual([
      'tools:read tools:call',
      'tools:read',
    ]);
  });

  it('callers without a credential have one token, and it is nobody else’s', async () => {
    const credentials = create();
    const token = await take(credentials, undefined);
    expect(decodeJwt(token).sub).toBe('anonymous');
    expect(await take(credentials, undefined)).toBe(token);
    expect(await take(credentials, buildKeyPrincipal('ci'))).not.toBe(token);
  });

  it('signs once for calls that come together', async () => {
    const credentials = create();
    const principal = buildTokenPrincipal();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => take(credentials, principal)));
    expect(new Set(tokens).size).toBe(1);
  });

  it('renews at half of the life without anyone waiting, and waits in the last quarter', async () => {
    const credentials = create();
    const principal = buildTokenPrincipal();
    const first = await credentials.fieldsFor(principal, undefined);
    clock.jump(30 * second);
    expect(credentials.fieldsFor(principal, undefined)).toBe(first);
    await until(() => credentials.fieldsFor(principal, undefined) !== first);
    const next = credentials.fieldsFor(principal, undefined);
    expect(next).not.toBeInstanceOf(Promise);
    expect(next).not.toEqual(first);
    clock.jump(45 * second);
    const late = credentials.fieldsFor(principal, undefined);
    expect(late).toBeInstanceOf(Promise);
    const { iat, jti } = decodeJwt(toToken(await late));
    expect(iat).toBe(clock.now() / 1000);
    expect(jti).not.toBe(decodeJwt(toToken(await next)).jti);
  });

  it('makes a new token when the clock was set back', async () => {
    const credentials = create();
    const principal = buildTokenPrincipal();
    await take(credentials, principal);
    clock.jump(-3600 * second);
    expect(decodeJwt(await take(credentials, principal)).iat).toBe(clock.now() / 1000);
  });

  it('signs with the new key after a change of keys; the old token still verifies', async () => {
    const day = 86_400 * second;
    const credentials = create();
    const principal = buildTokenPrincipal();
    const old = await take(credentials, principal);
    const { kid } = keys.current;
    clock.jump(30 * day);
    await keys.refresh();
    clock.jump(day);
    await keys.refresh();
    const fresh = await take(credentials, principal);
    expect(decodeProtectedHeader(fresh).kid).toBe(keys.current.kid);
    expect(keys.current.kid).not.toBe(kid);
    await expect(verify(fresh)).resolves.toBeDefined();
    // Too old by its date, but its key is known.
    await expect(verify(old)).rejects.toThrow(/exp/);
  });
});
