import { describe, expect, it } from 'vitest';
import { createUnfitKeys, forge, goodClaims, goodHeader, signParts, type TokenMint } from './bad-token.ts';
import { buildBadTokens } from './bad-tokens.ts';
import { believesToken } from './believing-verifier.ts';
import { createSigner, createVerifierRig, issuer, resource, type VerifierRig } from './verifier-rig.ts';

const start = 1_800_000_000_000;
const mint: TokenMint = {
  issuer,
  resource,
  seconds: start / 1000,
  signer: await createSigner('one', start),
  stranger: await createSigner('one', start),
  unfit: createUnfitKeys(),
};
const tokens = await buildBadTokens(mint);

function createRig(): VerifierRig {
  return createVerifierRig({ keys: [mint.signer.publicJwk, ...mint.unfit.published] });
}

describe(`a token that does not count (A14): ${tokens.length} of them`, () => {
  it('is one of at least 150, all of them different', () => {
    expect(tokens.length).toBeGreaterThanOrEqual(150);
    for (const key of ['name', 'text'] as const)
      expect(
        tokens.filter((token, at) => tokens.findIndex((other) => other[key] === token[key]) !== at),
      ).toEqual([]);
  });

  it.each(tokens)('$name', async ({ text }) => {
    const { verifier, fetched, problems } = createRig();
    expect(await verifier.verify(text)).toMatchObject({ kind: 'refused' });
    // No token leads anywhere but to the keys of its issuer.
    for (const { url } of fetched)
      expect([`${issuer}/.well-known/openid-configuration`, `${issuer}/keys`]).toContain(url);
    expect(problems).toEqual([]);
  });

  it('control: a good one counts, made by the library and by hand', async () => {
    const byHand = signParts(mint.signer, goodHeader, goodClaims(mint));
    for (const token of [await mint.signer.sign(), byHand])
      expect(await createRig().verifier.verify(token)).toMatchObject({ kind: 'accepted' });
    expect(await createRig().verifier.verify(forge(goodHeader, goodClaims(mint)))).toEqual({
      kind: 'refused',
      refusal: 'signature',
    });
  });

  it('control: who lets a token say how it is to be checked, and does not look at what it says, takes most of them', () => {
    const taken = tokens.filter(({ text }) => believesToken(text, mint));
    expect(taken.length).toBeGreaterThanOrEqual(150);
    const attacks = new Set(taken.map(({ name }) => name.replace(/:.*/s, '')));
    for (const attack of [
      'alg-none',
      'hs-confusion',
      'kid-injection',
      'jku',
      'embedded-jwk',
      'crit',
      'unfit key',
      'audience-confusion',
      'expiry',
      'duplicate-claims',
      'base64-malleability',
    ])
      expect(attacks).toContain(attack);
  });
});
