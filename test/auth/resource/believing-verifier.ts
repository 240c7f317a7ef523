import { createHmac, createPublicKey, verify } from 'node:crypto';
import type { JWK } from 'jose';
import type { TokenMint } from './bad-token.ts';

type Members = Record<string, unknown>;

/**
 * A verifier as one should not be, for control runs: it lets a token say how and by which key it is to be checked, and
 * takes whatever text comes near to one. Of the claims it looks at nothing.
 */
export function believesToken(text: string, mint: TokenMint): boolean {
  const [head = '', body = '', signature = ''] = text.replaceAll(/[^\w.-]/g, '').split('.');
  const header = readPart(head);
  if (header === undefined) return false;
  const alg = String(header['alg']).trim().toLowerCase();
  if (alg === 'none' || alg === '') return true;
  const signed = `${head}.${body}`;
  if (alg.startsWith('hs'))
    return listSecrets(mint).some((secret) => hasDigest(alg, secret, signed) === signature);
  return listKeys(header, mint).some((key) => hasSigned(key, signed, Buffer.from(signature, 'base64url')));
}

function readPart(part: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Members) : undefined;
  } catch {
    return undefined;
  }
}

function listSecrets({ signer, unfit }: TokenMint): (string | Buffer)[] {
  const { publicPem, publicJwk } = signer;
  const der = Buffer.from(publicPem.replaceAll(/-.*-|\n/g, ''), 'base64');
  const json = JSON.stringify(publicJwk);
  return [publicPem, `${publicPem}\n`, der, json, publicJwk.x ?? '', '', 'one', unfit.secret];
}

function hasDigest(alg: string, secret: string | Buffer, signed: string): string {
  return createHmac(`sha${alg.slice(2)}`, secret)
    .update(signed)
    .digest('base64url');
}

/** The key that comes with a token or is where it says, else those of the issuer, and at a name it does not know whatever is found. */
function listKeys(header: Members, { signer, stranger, unfit }: TokenMint): JWK[] {
  const isBrought = ['jwk', 'jwks', 'jku', 'x5u', 'x5c', 'jwks_uri', 'iss'].some((name) => name in header);
  const own = [signer.publicJwk, ...unfit.published].filter(({ kty }) => kty !== 'oct');
  const isKnown = own.some(({ kid }) => kid === header['kid']);
  return isBrought || !isKnown ? [stranger.publicJwk, ...own] : own;
}

function hasSigned(jwk: JWK, signed: string, signature: Buffer): boolean {
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const digest = jwk.crv === 'P-384' ? 'sha384' : 'sha256';
  return (['ieee-p1363', 'der'] as const).some((dsaEncoding) =>
    verify(digest, Buffer.from(signed), { key, dsaEncoding }, signature),
  );
}
