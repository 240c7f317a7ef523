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
