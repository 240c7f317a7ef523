import { createSign, generateKeyPairSync, KeyObject, randomBytes, sign } from 'node:crypto';
import type { JWK } from 'jose';
import type { Signer } from './verifier-rig.ts';

/** What a good token says. */
export interface TokenFacts {
  readonly issuer: string;
  readonly resource: string;
  /** Now, in wall-clock seconds. */
  readonly seconds: number;
}

/** What bad tokens are made of. */
export interface TokenMint extends TokenFacts {
  /** Has the key `one` of the issuer. */
  readonly signer: Signer;
  /** Calls its own key `one`, too, and has nothing to do with the issuer. */
  readonly stranger: Signer;
  readonly unfit: UnfitKeys;
}

/** Keys that the issuer publishes besides, and that are no keys for tokens. */
export interface UnfitKeys {
  readonly published: readonly JWK[];
  /** The symmetric one, named `secret`. */
  readonly secret: Buffer;
  readonly privateKeys: Readonly<Record<UnfitName, KeyObject>>;
}

/** RSA of 1024 bits, EC to encrypt with, EC to agree with, EC of a curve that is not accepted. */
export type UnfitName = 'weak' | 'sealing' | 'agreeing' | 'large';

/** A token that must not count. */
export interface BadToken {
  /** Attack and variant. */
  readonly name: string;
  readonly build: (mint: TokenMint) => string | Promise<string>;
}

/** The library signs a good one. */
export function signGood(mint: TokenMint): Promise<string> {
  return mint.signer.sign(goodClaims(mint));
}

export const goodHeader = { alg: 'ES256', kid: 'one', typ: 'at+jwt' };

export function goodClaims({ issuer, resource, seconds }: TokenFacts): Record<string, unknown> {
  return { iss: issuer, aud: resource, sub: 'alice', iat: seconds, exp: seconds + 600 };
}

/** A value, JSON text or bytes as a part of a token. */
export function toPart(value: unknown): string {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(isText(value) ? value : JSON.stringify(value));
  return bytes.toString('base64url');
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** A token of any header and payload, with a signature of somebody's. */
export function forge(header: unknown, payload: unknown, signature = 'AAAA'): string {
  return `${toPart(header)}.${toPart(payload)}.${signature}`;
}

/** The same with the right signature over these very bytes: what no library would write. */
export function signParts(
  by: Signer | KeyObject,
  header: unknown,
  payload: unknown,
  dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363',
): string {
  const key = by instanceof KeyObject ? by : KeyObject.from(by.privateKey);
  const signed = `${toPart(header)}.${toPart(payload)}`;
  const signature =
    key.asymmetricKeyType === 'rsa'
      ? createSign('sha256').update(signed).sign(key)
      : sign(
          key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256',
          Buffer.from(signed),
          {
            key,
            dsaEncoding,
          },
        );
  return `${signed}.${signature.toString('base64url')}`;
}

export function createUnfitKeys(): UnfitKeys {
  const secret = randomBytes(32);
  const toEc = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const [sealing, agreeing, large] = [toEc('P-256'), toEc('P-256'), toEc('P-384')];
  const publish = ({ publicKey }: { publicKey: KeyObject }, rest: JWK): JWK => ({
    ...publicKey.export({ format: 'jwk' }),
    ...rest,
  });
  return {
    published: [
      { kty: 'oct', k: secret.toString('base64url'), kid: 'secret', alg: 'HS256' },
      publish(weak, { kid: 'weak', alg: 'RS256', use: 'sig' }),
      publish(sealing, { kid: 'sealing', alg: 'ES256', use: 'enc' }),
      publish(agreeing, { kid: 'agreeing', key_ops: ['deriveBits'] }),
      publish(large, { kid: 'large', alg: 'ES384', use: 'sig' }),
    ],
    secret,
    privateKeys: {
      weak: weak.privateKey,
      sealing: sealing.privateKey,
      agreeing: agreeing.privateKey,
      large: large.privateKey,
    },
  };
}
