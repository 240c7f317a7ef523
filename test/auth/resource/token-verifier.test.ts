import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fail, ok } from '../../../src/lib/result.ts';
import { createSigner, createVerifierRig, issuer, resource, type Signer } from './verifier-rig.ts';

const start = 1_800_000_000_000;
const seconds = start / 1000;
let signer: Signer;
let stranger: Signer;
beforeAll(async () => {
  signer = await createSigner('one', start);
  stranger = await createSigner('one', start);
});

const toPart = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { iss: issuer, aud: resource, sub: 'alice', iat: seconds, exp: seconds + 600 };

/** A token of any header and payload, written by hand, with a signature of somebody's. */
function forge(header: unknown, payload: unknown, signature = 'AAAA'): string {
  return `${typeof header === 'string' ? header : toPart(header)}.${typeof payload === 'string' ? payload : toPart(payload)}.${signature}`;
}

function withHmac(algorithm: string, secret: string): string {
  const signed = `${toPart({ alg: algorithm, kid: 'one' })}.${toPart(claims)}`;
  const digest = `sha${algorithm.slice(2)}`;
  return `${signed}.${createHmac(digest, secret).update(signed).digest('base64url')}`;
}

describe('a token that counts', () => {
  it('says who calls, at once the second time and by the same object', async () => {
    const { verifier, fetched } = createVerifierRig({ keys: [signer.publicJwk] });
    const token = await signer.sign({ client_id: 'desk', scope: 'read write', groups: ['staff'] });
    const verdict = await verifier.verify(token);
    expect(verdict).toMatchObject({
      kind: 'accepted',
      principal: {
        method: 'token',
        issuer,
        subject: 'alice',
        client: 'desk',
        scopes: ['read', 'write'],
        groups: ['staff'],
        expiresAt: start + 600_000,
      },
    });
    expect(verifier.verify(token)).toBe(verdict);
    expect(fetched).toHaveLength(2);
  });

  it.each([
    ['the resource', resource],
    ['the resource with a slash', `${resource}/`],
    ['one of a list', ['https://other.example.com', resource]],
    ['a configured one', 'api://mcp'],
  ])('is for %s', async (_name, aud) => {
    const { verifier } = createVerifierRig({ keys: [signer.publicJwk], audiences: ['api://mcp'] });
    expect(await verifier.verify(await signer.sign({ aud }))).toMatchObject({ kind: 'accepted' });
  });

  it('may be described by other claims, some of them deep', async () => {
    const names = { subject: 'oid', client: 'azp', scopes: 'scp', groups: 'realm_access.roles' };
    const { verifier } = createVerifierRig({ keys: [signer.publicJwk], issuers: [{ claims: names }] });
    const token = await signer.sign({
      oid: 'u1',
      azp: 'app',
      scp: ['a', 'b'],
      realm_access: { roles: ['r'] },
    });
    expect(await verifier.verify(token)).toMatchObject({
      principal: { subject: 'u1', client: 'app', scopes: ['a', 'b'], groups: ['r'] },
    });
  });

  it('counts to its end and the allowed difference of clocks, and no longer', async () => {
    const rig = createVerifierRig({ keys: [signer.publicJwk], clockSkew: 5000 });
    const token = await signer.sign({ exp: seconds + 10 });
    const verdict = await rig.verifier.verify(token);
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    rig.clock.advance(14_999);
    expect(rig.verifier.isCurrent(verdict.principal)).toBe(true);
    expect(await rig.verifier.verify(token)).toMatchObject({ kind: 'accepted' });
    rig.clock.advance(1);
    expect(rig.verifier.isCurrent(verdict.principal)).toBe(false);
    expect(await rig.verifier.verify(token)).toEqual({ kind: 'refused', refusal: 'expired' });
  });
});

describe('a token that does not count', () => {
  const header = { alg: 'ES256', kid: 'one', typ: 'at+jwt' };
  const cases: readonly (readonly [name: string, build: () => string | Promise<string>])[] = [
    ...['none', 'None', 'NONE', 'nOnE', ''].map(
      (alg) => [`alg-none: ${alg}`, () => forge({ ...header, alg }, claims, 'AA')] as const,
    ),
    ['alg-none: without a signature', () => `${toPart({ alg: 'none' })}.${toPart(claims)}.`],
    ...['HS256', 'HS384', 'HS512'].flatMap((alg) => [
      [`hs-confusion: ${alg} with the public key as PEM`, () => withHmac(alg, signer.publicPem)] as const,
      [`hs-confusion: ${alg} with it as JWK`, () => withHmac(alg, JSON.stringify(signer.publicJwk))] as const,
      [`hs-confusion: ${alg} with an empty secret`, () => withHmac(alg, '')] as const,
    ]),
    ['another key', () => stranger.sign()],
    ...['PS256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'es256', 7, null, undefined].map(
      (alg) => [`algorithm: ${String(alg)}`, () => forge({ ...header, alg }, claims)] as const,
    ),
    ...[
      '../../../../dev/null',
      "one' OR '1'='1",
      'https://evil.example.net/keys',
      '__proto__',
      'constructor',
      '',
    ].map((kid) => [`kid-injection: ${kid}`, () => stranger.sign({}, { kid })] as const),
    ['kid: a number', () => forge({ ...header, kid: 1 }, claims)],
    ['jku', () => stranger.sign({}, { jku: 'https://evil.example.net/keys' })],
    ['x5u', () => stranger.sign({}, { x5u: 'https://evil.example.net/cert' })],
    ['embedded-jwk', () => stranger.sign({}, { jwk: stranger.publicJwk })],
    ['crit', () => forge({ ...header, crit: ['exp'], exp: 1 }, claims)],
    ['b64', () => forge({ ...header, b64: false, crit: ['b64'] }, claims)],
    ...[
      'https://id.example.com/',
      'https://ID.example.com',
      'https://id.example.com.evil.example.net',
      ' https://id.example.com',
      '',
      7,
      null,
      [issuer],
    ].map((iss) => [`issuer: ${JSON.stringify(iss)}`, async () => resign({ iss })] as const),
    ...[
      undefined,
      'https://mcp.example.com',
      'https://mcp.example.com/mcp2',
      'https://mcp.example.com/mcp//',
      'https://mcp.example.com/MCP',
      'https://mcp.example.com/mcp?x',
      'http://mcp.example.com/mcp',
      [],
      {},
      7,
      ['x'],
      [[resource]],
      `${resource} x`,
    ].map((aud) => [`audience-confusion: ${JSON.stringify(aud)}`, async () => resign({ aud })] as const),
    ...[undefined, null, 0, -1, seconds, seconds - 1, '9999999999', 'soon', {}, true].map(
      (exp) => [`expiry: ${JSON.stringify(exp)}`, async () => resign({ exp })] as const,
    ),
    ...[seconds + 1, seconds + 600, '0', {}, null].flatMap((time) => [
      [`nbf: ${JSON.stringify(time)}`, async () => resign({ nbf: time })] as const,
      [`iat: ${JSON.stringify(time)}`, async () => resign({ iat: time })] as const,
    ]),
    ...[undefined, '', 7, null, {}, ['alice'], 'x'.repeat(1025)].map(
      (sub) => [`subject: ${JSON.stringify(sub)?.slice(0, 20)}`, async () => resign({ sub })] as const,
    ),
    ...[7, {}, true].flatMap((odd) => [
      [`client: ${JSON.stringify(odd)}`, async () => resign({ client_id: odd })] as const,
      [`scope: ${JSON.stringify(odd)}`, async () => resign({ scope: odd })] as const,
      [`groups: ${JSON.stringify(odd)}`, async () => resign({ groups: odd })] as const,
      [`scope in a list: ${JSON.stringify(odd)}`, async () => resign({ scope: [odd] })] as const,
    ]),
    ['duplicate-claims', () => resignText(`{"sub":"mallory",${JSON.stringify(claims).slice(1)}`)],
    [
      'duplicate-claims: the second one',
      () => resignText(`${JSON.stringify(claims).slice(0, -1)},"sub":"mallory"}`),
    ],
    [
      'duplicate-header',
      () => forge(Buffer.from('{"alg":"none","alg":"ES256","kid":"one"}').toString('base64url'), claims),
    ],
    ['prototype', () => resignText(`${JSON.stringify(claims).slice(0, -1)},"__proto__":{}}`)],
    [
      'nested: a token in a token',
      async () => forge(header, Buffer.from(await signer.sign()).toString('base64url')),
    ],
    ['encrypted', () => 'eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA'],
    ['opaque', () => 'opaque'],
    ...['', '.', '..', '...', 'a.b', 'a.b.c', 'a.b.c.d', ' ', '\u00e9', '"', '{}', 'null'].map(
      (text) => [`not a token: ${JSON.stringify(text)}`, () => text] as const,
    ),
    ['payload: a list', () => forge(header, [claims])],
    ['payload: a text', () => forge(header, 'IngI')],
    ['header: a list', () => forge([header], claims)],
    [
      'not UTF-8',
      () => forge(header, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64url')),
    ],
    ['signature: empty', async () => `${(await signer.sign()).split('.').slice(0, 2).join('.')}.`],
    ['signature: cut', async () => (await signer.sign()).slice(0, -4)],
    ['signature: longer', async () => `${await signer.sign()}AAAA`],
    [
      'signature: of another token',
      async () => {
        const [head, body] = (await signer.sign({ sub: 'mallory' })).split('.');
        return `${head}.${body}.${(await signer.sign()).split('.')[2]}`;
      },
    ],
    ['signature: zeros', () => forge(header, claims, Buffer.alloc(64).toString('base64url'))],
    ...['=', '==', '\n', ' '].map(
      (end) =>
        [`base64-malleability: ${JSON.stringify(end)}`, async () => `${await signer.sign()}${end}`] as const,
    ),
    ['base64-malleability: padded parts', async () => (await signer.sign()).replace('.', '=.')],
    ['too long by one', () => 'x'.repeat(8193)],
    ['too long by far', () => `${'x'.repeat(1_000_000)}.y.z`],
  ];

  async function resign(changes: Record<string, unknown>): Promise<string> {
    return signer.sign({ ...claims, ...changes });
  }

  /** Signs a payload that no library would write. */
  async function resignText(payload: string): Promise<string> {
    const { CompactSign } = await import('jose');
    return new CompactSign(Buffer.from(payload)).setProtectedHeader(header).sign(signer.privateKey);
  }

  it('is one of at least a hundred', () => expect(cases.length).toBeGreaterThan(100));

  it.each(cases)('%s', async (_name, build) => {
    const { verifier, fetched } = createVerifierRig({ keys: [signer.publicJwk] });
    expect(await verifier.verify(await build())).toMatchObject({ kind: 'refused' });
    for (const { url } of fetched) expect(url).toMatch(/^https:\/\/id\.example\.com\//);
  });

  it('key-mix-up: the key of one issuer is no key of another', async () => {
    const other = 'https://other.example.com';
    const rig = createVerifierRig({ keys: [signer.publicJwk], issuers: [{}, { issuer: other }] });
    rig.answers.set(`${other}/.well-known/openid-configuration`, () =>
      ok({ issuer: other, jwks_uri: `${other}/keys` }),
    );
    rig.answers.set(`${other}/keys`, () => ok({ keys: [stranger.publicJwk] }));
    expect(await rig.verifier.verify(await stranger.sign())).toEqual({
      kind: 'refused',
      refusal: 'signature',
    });
    expect(await rig.verifier.verify(await signer.sign({ iss: other }))).toEqual({
      kind: 'refused',
      refusal: 'signature',
    });
    // Control: each is good with its own.
    expect(await rig.verifier.verify(await stranger.sign({ iss: other }))).toMatchObject({
      kind: 'accepted',
    });
  });

  it('type-confusion: only accepted types, where any are named', async () => {
    const { verifier } = createVerifierRig({ keys: [signer.publicJwk], issuers: [{ types: ['at+jwt'] }] });
    for (const typ of ['JWT', 'id_token', 'logout+jwt', 'dpop+jwt', '', undefined])
      expect(await verifier.verify(await signer.sign({}, { typ }))).toEqual({
        kind: 'refused',
        refusal: 'type',
      });
    expect(await verifier.verify(await signer.sign({}, { typ: 'application/AT+JWT' }))).toMatchObject({
      kind: 'accepted',
    });
  });

  it('never throws and never rejects, whatever the text', async () => {
    const { verifier } = createVerifierRig({ keys: [signer.publicJwk] });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `${text}.${text}.${text}`),
        ),
        async (text) => {
          expect((await verifier.verify(text)).kind).toBe('refused');
        },
      ),
    );
  });
});

describe('the built-in server', () => {
  const own = 'https://mcp.example.com';
  const token = (): Promise<string> => signer.sign({ iss: own, grant: 'g1' });

  it('revocation: a grant that is forgotten ends its tokens at once, and one that is gone is refused', async () => {
    let grants = new Set(['g1']);
    const hasGrant = async (id: string): Promise<boolean> => grants.has(id);
    const rig = createVerifierRig({
      issuers: [],
      own: { issuer: own, jwks: () => ({ keys: [signer.publicJwk] }), hasGrant },
    });
    const text = await token();
    const verdict = await rig.verifier.verify(text);
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    rig.verifier.forgetGrant('another');
    expect(rig.verifier.isCurrent(verdict.principal)).toBe(true);
    grants = new Set();
    rig.verifier.forgetGrant('g1');
    expect(rig.verifier.isCurrent(verdict.principal)).toBe(false);
    expect(await rig.verifier.verify(text)).toEqual({ kind: 'refused', refusal: 'inactive' });
    expect(await rig.verifier.verify(await signer.sign({ iss: own }))).toEqual({
      kind: 'refused',
      refusal: 'inactive',
    });
  });

  it('fails closed when its store cannot be read, and says so', async () => {
    const hasGrant = (): Promise<boolean> => Promise.reject(new Error('disk'));
    const rig = createVerifierRig({
      issuers: [],
      own: { issuer: own, jwks: () => ({ keys: [signer.publicJwk] }), hasGrant },
    });
    expect(await rig.verifier.verify(await token())).toEqual({ kind: 'unavailable' });
    expect(rig.problems).toHaveLength(1);
  });
});

describe('introspection', () => {
  const url = `${issuer}/introspect`;
  const issuers = [{ introspection: { url, clientId: 'gate way', clientSecret: 's:e' } }];
  const active = { active: true, iss: issuer, aud: resource, sub: 'alice', exp: seconds + 600 };

  it('asks about each unknown token once, with the credentials of the gateway', async () => {
    const rig = createVerifierRig({ issuers });
    rig.answers.set(url, () => ok(active));
    const [first, second] = await Promise.all([rig.verifier.verify('opaque'), rig.verifier.verify('opaque')]);
    expect(first).toMatchObject({ kind: 'accepted', principal: { subject: 'alice' } });
    expect(second).toBe(first);
    expect(rig.fetched).toHaveLength(1);
    expect(rig.fetched[0]?.form).toEqual({
      fields: { token: 'opaque', token_type_hint: 'access_token' },
      authorization: `Basic ${Buffer.from('gate+way:s%3Ae').toString('base64')}`,
    });
  });

  it.each([
    ['inactive', { ...active, active: false }],
    ['a text', { ...active, active: 'true' }],
    ['of another issuer', { ...active, iss: 'https://evil.example.net' }],
    ['for another resource', { ...active, aud: 'https://mcp.example.com' }],
    ['for nobody in particular', { ...active, aud: undefined }],
    ['expired', { ...active, exp: seconds }],
    ['without a subject', { ...active, sub: undefined }],
  ])('refuses what is %s', async (_name, answer) => {
    const rig = createVerifierRig({ issuers });
    rig.answers.set(url, () => ok(answer));
    expect(await rig.verifier.verify('opaque')).toMatchObject({ kind: 'refused' });
  });

  it('revocation: ends a token within five seconds, as long as it is in use', async () => {
    const rig = createVerifierRig({ issuers });
    rig.answers.set(url, () => ok(active));
    const verdict = await rig.verifier.verify('opaque');
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    rig.answers.set(url, () => ok({ active: false }));
    let lived = 0;
    for (; lived < 10 && rig.verifier.isCurrent(verdict.principal); lived++) {
      rig.clock.advance(1000);
      rig.verifier.isCurrent(verdict.principal);
      await new Promise(setImmediate);
    }
    expect(lived).toBeLessThanOrEqual(4);
    expect(await rig.verifier.verify('opaque')).toEqual({ kind: 'refused', refusal: 'inactive' });
  });

  it('outage: a token in use counts on for a minute, an unknown one is neither good nor bad', async () => {
    const rig = createVerifierRig({ issuers });
    rig.answers.set(url, () => ok(active));
    const verdict = await rig.verifier.verify('opaque');
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    rig.answers.set(url, () => fail({ kind: 'unreachable' }));
    const look = async (): Promise<boolean> => {
      rig.clock.advance(1000);
      await new Promise(setImmediate);
      return rig.verifier.isCurrent(verdict.principal);
    };
    for (let second = 0; second < 58; second++) expect(await look(), String(second)).toBe(true);
    await look();
    await look();
    expect(await look()).toBe(false);
    expect(await rig.verifier.verify('other')).toEqual({ kind: 'unavailable' });
  });

  it('flood: one token that is asked again and again reaches its issuer once in ten seconds', async () => {
    const rig = createVerifierRig({ issuers });
    rig.answers.set(url, () => ok({ active: false }));
    for (let turn = 0; turn < 100; turn++) await rig.verifier.verify('made-up');
    expect(rig.fetched).toHaveLength(1);
    rig.clock.advance(10_000);
    await rig.verifier.verify('made-up');
    expect(rig.fetched).toHaveLength(2);
  });
});
