import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  flattenedVerify,
  importJWK,
  type FlattenedJWS,
  type JWK,
} from 'jose';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { parseRecord, toRecord, type StubRequest } from './exchange.ts';
import type { Nonces } from './nonces.ts';
import { malformed, unauthorized, type Problem } from './problem.ts';

/** What is left of a request whose signature holds (RFC 8555 section 6.2). */
export interface SignedRequest {
  readonly jwk: JWK;
  /** RFC 7638; identifies the account. */
  readonly thumbprint: string;
  /** Empty for POST-as-GET (RFC 8555 section 6.3). */
  readonly payload: string;
}

/** How an endpoint wants to be told who signs: a new account by its key, all else by its account. */
export type KeyReference =
  | { readonly kind: 'jwk' }
  | { readonly kind: 'kid'; readonly find: (kid: string) => Result<JWK, Problem> };

const algorithms = ['ES256', 'ES384', 'RS256', 'EdDSA'];
const jwsMembers = ['payload', 'protected', 'signature'];
const headerMembers = new Set(['alg', 'jwk', 'kid', 'nonce', 'url']);
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];

/** Checks everything that RFC 8555 section 6 demands of a signed request. The nonce is used up even when the rest fails. */
export async function verifySignedRequest(
  request: StubRequest,
  reference: KeyReference,
  nonces: Nonces,
): Promise<Result<SignedRequest, Problem>> {
  const contentType = request.headers['content-type'];
  if (contentType !== 'application/jose+json') {
    return fail(malformed(`content type is ${String(contentType)}, not application/jose+json`, 415));
  }
  const jws = parseFlattened(request.body);
  if (jws === undefined) return fail(malformed('the body is not a JWS in flattened JSON serialisation'));
  const header = readHeader(jws);
  if (header === undefined) return fail(malformed('the protected header is not JSON'));
  const unknown = Object.keys(header).find((member) => !headerMembers.has(member));
  if (unknown !== undefined) return fail(malformed(`the protected header has a member ${unknown}`));
  if (!algorithms.includes(String(header['alg']))) return fail(toAlgorithmProblem(header['alg']));
  if (!nonces.use(header['nonce'])) {
    return fail({ type: 'badNonce', status: 400, detail: 'the nonce is unknown or was used before' });
  }
  if (header['url'] !== request.url) {
    return fail(unauthorized(`signed for ${String(header['url'])}, sent to ${request.url}`));
  }
  const key = findKey(header, reference);
  if (!key.ok) return key;
  return verifySignature(jws, key.value, String(header['alg']));
}

async function verifySignature(
  jws: FlattenedJWS,
  jwk: JWK,
  algorithm: string,
): Promise<Result<SignedRequest, Problem>> {
  try {
    const { payload } = await flattenedVerify(jws, await importJWK(jwk, algorithm), { algorithms });
    const thumbprint = await calculateJwkThumbprint(jwk);
    return ok({ jwk, thumbprint, payload: Buffer.from(payload).toString('utf8') });
  } catch (error) {
    return fail(malformed(`the signature does not hold: ${error instanceof Error ? error.message : '?'}`));
  }
}

/** The account binding of RFC 8555 section 7.3.4: the outer key, signed with the secret both sides know. */
export async function verifyBinding(
  binding: unknown,
  outer: { readonly jwk: JWK; readonly url: string },
  findSecret: (kid: string) => string | undefined,
): Promise<Result<string, Problem>> {
  const jws = parseFlattened(JSON.stringify(binding));
  const header = jws === undefined ? undefined : readHeader(jws);
  if (jws === undefined || header === undefined) return fail(malformed('the binding is not a JWS'));
  const { alg, kid, url } = header;
  if (!['HS256', 'HS384', 'HS512'].includes(String(alg))) return fail(malformed('the binding needs a MAC'));
  if ('nonce' in header) return fail(malformed('the binding must not have a nonce'));
  if (url !== outer.url) return fail(malformed('the binding is for another URL'));
  const secret = typeof kid === 'string' ? findSecret(kid) : undefined;
  if (typeof kid !== 'string' || secret === undefined) {
    return fail(unauthorized(`no external account ${String(kid)}`));
  }
  try {
    const { payload } = await flattenedVerify(jws, Buffer.from(secret, 'base64url'));
    const bound = toRecord(JSON.parse(Buffer.from(payload).toString('utf8')));
    const same =
      bound !== undefined &&
      (await calculateJwkThumbprint(bound)) === (await calculateJwkThumbprint(outer.jwk));
    return same ? ok(kid) : fail(malformed('the binding is for another key'));
  } catch {
    return fail(unauthorized('the signature of the binding does not hold'));
  }
}

function parseFlattened(text: string): FlattenedJWS | undefined {
  const record = parseRecord(text);
  if (record === undefined) return undefined;
  const { payload, protected: header, signature } = record;
  if (Object.keys(record).toSorted().join() !== jwsMembers.join()) return undefined;
  if (typeof payload !== 'string' || typeof header !== 'string' || typeof signature !== 'string') {
    return undefined;
  }
  return { payload, protected: header, signature };
}

function readHeader(jws: FlattenedJWS): Readonly<Record<string, unknown>> | undefined {
  try {
    return toRecord(decodeProtectedHeader(jws));
  } catch {
    return undefined;
  }
}

function findKey(header: Readonly<Record<string, unknown>>, reference: KeyReference): Result<JWK, Problem> {
  const { jwk, kid } = header;
  if ((jwk === undefined) === (kid === undefined)) {
    return fail(malformed('the protected header needs one of jwk and kid'));
  }
  if (reference.kind === 'kid') {
    return typeof kid === 'string'
      ? reference.find(kid)
      : fail(malformed('this request is signed with a kid'));
  }
  const key = toRecord(jwk);
  if (key === undefined) return fail(malformed('this request is signed with a jwk'));
  if (privateMembers.some((member) => member in key)) {
    return fail({ type: 'badPublicKey', status: 400, detail: 'the jwk has private members' });
  }
  return ok(key);
}

function toAlgorithmProblem(algorithm: unknown): Problem {
  return {
    type: 'badSignatureAlgorithm',
    status: 400,
    detail: `no signatures with ${String(algorithm)}`,
    members: { algorithms },
  };
}
