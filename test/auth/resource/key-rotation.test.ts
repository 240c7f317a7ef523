import type { JWK } from 'jose';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TokenVerdict } from '../../../src/auth/resource/token-verifier.ts';
import { fail, ok } from '../../../src/lib/result.ts';
import { until } from '../../support/until.ts';
import { createSigner, createVerifierRig, issuer, type Signer, type VerifierRig } from './verifier-rig.ts';

const start = 1_800_000_000_000;
const minute = 60_000;
const keysUrl = `${issuer}/keys`;
let first: Signer;
let second: Signer;
beforeAll(async () => {
  first = await createSigner('one', start);
  second = await createSigner('two', start);
});

const countKeyFetches = ({ fetched }: VerifierRig): number =>
  fetched.filter(({ url }) => url === keysUrl).length;
const kindOf = async (rig: VerifierRig, token: string): Promise<string> =>
  (await rig.verifier.verify(token)).kind;
/** A token that outlives the test. */
const lasting = (signer: Signer, sub: string): Promise<string> =>
  signer.sign({ sub, exp: start / 1000 + 10 * 86_400 });

describe('the keys of an issuer', () => {
  it.each([
    [issuer, [`${issuer}/.well-known/openid-configuration`]],
    [`${issuer}/`, [`${issuer}/.well-known/openid-configuration`]],
    [
      `${issuer}/tenant`,
      [
        `${issuer}/tenant/.well-known/openid-configuration`,
        `${issuer}/.well-known/oauth-authorization-server/tenant`,
      ],
    ],
  ])('are found by the metadata of %s', async (name, places) => {
    for (const place of places) {
      const rig = createVerifierRig({ keys: [first.publicJwk], issuers: [{ issuer: name }] });
      for (const url of rig.answers.keys()) if (url !== keysUrl) rig.answers.delete(url);
      rig.answers.set(place, () => ok({ issuer: name, jwks_uri: keysUrl }));
      expect(await kindOf(rig, await first.sign({ iss: name })), place).toBe('accepted');
    }
  });

  it('issuer-mix-up: are not those that the metadata of somebody else names', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    const place = `${issuer}/.well-known/openid-configuration`;
    rig.answers.set(place, () => ok({ issuer: 'https://evil.example.net', jwks_uri: keysUrl }));
    expect(await kindOf(rig, await first.sign())).toBe('unavailable');
  });

  it('need no metadata where their address is configured', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk], issuers: [{ jwksUri: keysUrl }] });
    expect(await kindOf(rig, await first.sign())).toBe('accepted');
    expect(rig.fetched.map(({ url }) => url)).toEqual([keysUrl]);
  });

  it('rotation: a new one is found with one fetch, however many wait for it', async () => {
    let keys = [first.publicJwk];
    const rig = createVerifierRig();
    rig.answers.set(keysUrl, () => ok({ keys }));
    expect(await kindOf(rig, await first.sign())).toBe('accepted');
    keys = [first.publicJwk, second.publicJwk];
    rig.clock.advance(minute);
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_none, at) => second.sign({ sub: `user-${at}` })),
    );
    const kinds = await Promise.all(tokens.map((token) => kindOf(rig, token)));
    expect(new Set(kinds)).toEqual(new Set(['accepted']));
    expect(countKeyFetches(rig)).toBe(2);
  });

  it('key-flood: 10,000 made-up names within a minute cause three fetches at most', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    const [, body] = (await first.sign()).split('.');
    let refused = 0;
    for (let turn = 0; turn < 10_000; turn++) {
      const head = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `made-up-${turn}` })).toString(
        'base64url',
      );
      const verdict = await rig.verifier.verify(`${head}.${body}.AAAA`);
      if (verdict.kind === 'refused') refused++;
      if (turn % 1000 === 999) rig.clock.advance(minute / 10 - 1);
    }
    expect(refused).toBe(10_000);
    expect(countKeyFetches(rig)).toBeLessThanOrEqual(3);
    // Control: meanwhile a good token counts, and after the pause an unknown name is looked for again.
    expect(await kindOf(rig, await first.sign())).toBe('accepted');
    const before = countKeyFetches(rig);
    rig.clock.advance(minute / 2);
    await kindOf(rig, await second.sign());
    expect(countKeyFetches(rig)).toBe(before + 1);
  });

  it('outage: known ones count on for a day, and no longer', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    expect(await kindOf(rig, await lasting(first, 'a'))).toBe('accepted');
    for (const url of rig.answers.keys()) rig.answers.set(url, () => fail({ kind: 'unreachable' }));
    for (let hour = 1; hour < 24; hour++) {
      rig.clock.advance(60 * minute);
      expect(await kindOf(rig, await lasting(first, `at-${hour}`))).toBe('accepted');
    }
    rig.clock.advance(60 * minute);
    expect(await kindOf(rig, await lasting(first, 'too late'))).toBe('unavailable');
  });

  it('outage at the start: nobody gets in, and everybody once it is over', async () => {
    const rig = createVerifierRig();
    rig.answers.set(keysUrl, () => fail({ kind: 'status', status: 503 }));
    expect(await kindOf(rig, await first.sign())).toBe('unavailable');
    const before = rig.fetched.length;
    expect(await kindOf(rig, await first.sign())).toBe('unavailable');
    // An issuer in trouble is left alone for a moment.
    expect(rig.fetched).toHaveLength(before);
    rig.answers.set(keysUrl, () => ok({ keys: [first.publicJwk] }));
    rig.clock.advance(2000);
    expect(await kindOf(rig, await first.sign())).toBe('accepted');
  });

  it('are fetched anew in the background once they are old', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    await kindOf(rig, await first.sign());
    rig.clock.advance(9 * minute);
    await kindOf(rig, await lasting(first, 'b'));
    expect(countKeyFetches(rig)).toBe(1);
    rig.clock.advance(minute);
    await kindOf(rig, await lasting(first, 'c'));
    await expect.poll(() => countKeyFetches(rig)).toBe(2);
  });

  const odd: readonly (readonly [string, (key: JWK) => unknown])[] = [
    ['a private key', (key) => ({ ...key, d: 'AAAA' })],
    ['a symmetric key', () => ({ kty: 'oct', k: 'AAAA', kid: 'one', alg: 'HS256' })],
    ['a key for encryption', (key) => ({ ...key, use: 'enc' })],
    ['a key that may not verify', (key) => ({ ...key, key_ops: ['sign'] })],
    ['a key of another algorithm', (key) => ({ ...key, alg: 'ES384' })],
    ['a key of an unknown kind', (key) => ({ ...key, kty: 'AKP' })],
    ['a text', () => 'key'],
    ['nothing', () => null],
  ];
  it.each(odd)('poisoned-keys: %s verifies nothing', async (_name, build) => {
    const rig = createVerifierRig();
    rig.answers.set(keysUrl, () => ok({ keys: [build(first.publicJwk)] }));
    expect(await kindOf(rig, await first.sign())).toBe('refused');
  });

  it('poisoned-keys: a set that is none, or has no end, is no set', async () => {
    for (const keys of [undefined, 'x', {}, Array.from({ length: 101 }, () => first.publicJwk)]) {
      const rig = createVerifierRig();
      rig.answers.set(keysUrl, () => ok({ keys }));
      expect(await kindOf(rig, await first.sign())).toBe('unavailable');
    }
  });

  it('two with one name are both tried', async () => {
    const twin = { ...second.publicJwk, kid: 'one' };
    const rig = createVerifierRig({ keys: [twin, first.publicJwk] });
    expect(await kindOf(rig, await first.sign())).toBe('accepted');
  });
});

describe('a token that was taken already', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** Comes in, and from then on looks after half an hour each whether it may stay, once its signature was checked again. */
  async function comeIn(rig: VerifierRig): Promise<{
    readonly token: string;
    readonly verdict: TokenVerdict;
    readonly stay: () => Promise<boolean>;
  }> {
    const token = await lasting(first, 'a');
    const verdict = await rig.verifier.verify(token);
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    const { principal } = verdict;
    const checks = vi.spyOn(crypto.subtle, 'verify');
    return {
      token,
      verdict,
      async stay() {
        rig.clock.advance(30 * minute);
        const before = checks.mock.settledResults.length;
        const mayStay = rig.verifier.isCurrent(principal);
        await until(
          () => checks.mock.settledResults.slice(before).some(({ type }) => type !== 'incomplete'),
          200,
        );
        await new Promise(setImmediate);
        return mayStay;
      },
    };
  }

  it('withdrawn-key: ends within an hour, though it says itself that it lasts for days', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    const { token, stay } = await comeIn(rig);
    rig.answers.set(keysUrl, () => ok({ keys: [second.publicJwk] }));
    const stays = [await stay(), await stay(), await stay()];
    expect(stays).toEqual([true, true, false]);
    expect(await rig.verifier.verify(token)).toEqual({ kind: 'refused', refusal: 'signature' });
  });

  it('withdrawn-key: is not taken at once when it comes again after an hour', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    const { token } = await comeIn(rig);
    rig.answers.set(keysUrl, () => ok({ keys: [second.publicJwk] }));
    rig.clock.advance(60 * minute);
    expect(await rig.verifier.verify(token)).toEqual({ kind: 'refused', refusal: 'signature' });
    // Nor is one that nobody has seen before.
    expect(await kindOf(rig, await lasting(first, 'new'))).toBe('refused');
  });

  it('stays the same caller as long as its key does', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    const { token, verdict, stay } = await comeIn(rig);
    for (let turn = 0; turn < 6; turn++) expect(await stay()).toBe(true);
    expect(rig.verifier.verify(token)).toBe(verdict);
  });

  it('outage: counts on for a day, and no longer', async () => {
    const rig = createVerifierRig({ keys: [first.publicJwk] });
    const { token, stay } = await comeIn(rig);
    for (const url of rig.answers.keys()) rig.answers.set(url, () => fail({ kind: 'unreachable' }));
    for (let half = 1; half <= 48; half++) expect(await stay(), `${half / 2} h`).toBe(true);
    expect(await stay()).toBe(false);
    expect(await rig.verifier.verify(token)).toEqual({ kind: 'unavailable' });
  });
});
