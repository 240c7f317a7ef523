import { badClaims } from './bad-claims.ts';
import { badSignatures } from './bad-signatures.ts';
import { badTexts } from './bad-texts.ts';
import type { TokenMint } from './bad-token.ts';

/** Tokens that no resource server may accept (RFC 8725, and what was found wrong with verifiers), each with its attack. */
export async function buildBadTokens(
  mint: TokenMint,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const cases = [...badSignatures, ...badClaims, ...badTexts];
  return Promise.all(cases.map(async ({ name, build }) => ({ name, text: await build(mint) })));
}
