import { compactVerify, importJWK, type JWK } from 'jose';
import type { JsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { parseStrictJson } from '../fetch/strict-json.ts';
import type { TokenRefusal } from './challenge.ts';

/** A JSON Web Token of which nothing is believed yet. */
export interface SignedToken {
  readonly text: string;
  readonly algorithm: string;
  readonly kid: string | undefined;
  /** `typ`, in lower case and without `application/`; empty when there is none. */
  readonly type: string;
  readonly payload: JsonObject;
}

/** Longest token, in characters; nothing longer is looked at. */
export const maxTokenLength = 8192;

const shape = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Keys that are tried for a token that names none, or one whose name several have. */
const mostTried = 8;

/** Whether a text has the outer form of a signed JSON Web Token; any other is opaque. */
export function isSignedToken(text: string): boolean {
  return shape.test(text);
}

/** Reads a token without believing it (RFC 7515 section 3.1). Other places for its key that it may name (`jku`, `jwk`, `x5u`) are never looked at. */
export function parseSignedToken(text: string): Result<SignedToken, TokenRefusal> {
  const parts = text.split('.');
  // base64-malleability: one spelling alone, so that one token is one entry of the cache.
  if (!parts.every(isCanonical)) return fail('malformed');
  const [head = '', body = ''] = parts;
  const header = parsePart(head);
  const payload = parsePart(body);
  if (header === undefined || payload === undefined) return fail('malformed');
  const { alg, kid, typ } = header;
  // crit: no extension is understood here, so none may be critical (RFC 7515 section 4.1.11).
  if ('crit' in header || 'b64' in header) return fail('malformed');
  if (typeof alg !== 'string') return fail('algorithm');
  if (kid !== undefined && typeof kid !== 'string') return fail('malformed');
  if (typ !== undefined && typeof typ !== 'string') return fail('type');
  const type = (typ ?? '').toLowerCase().replace(/^application\//, '');
  return ok({ text, algorithm: alg, kid, type, payload });
}

/** Whether one of these keys made the signature. The algorithm was checked against those of the issuer before. */
export async function hasSignature({ text, algorithm }: SignedToken, keys: readonly JWK[]): Promise<boolean> {
  for (const jwk of keys.slice(0, mostTried)) {
    // algorithm-confusion: a key that says what it is for is used for nothing else.
    if (jwk.alg !== undefined && jwk.alg !== algorithm) continue;
    try {
      const key = await importJWK(jwk, algorithm);
      await compactVerify(text, key, { algorithms: [algorithm] });
      return true;
    } catch {
      // The library's way to say that this key did not.
    }
  }
  return false;
}

/** Whether the bits that are left over at the end are zeros (RFC 4648 section 3.5). */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

/** duplicate-claims: a name twice is one thing to one reader and another to the next. */
function parsePart(part: string): JsonObject | undefined {
  return parseStrictJson(Buffer.from(part, 'base64url'));
}
