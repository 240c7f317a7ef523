import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { FlattenedSign, type JWK } from 'jose';
import type { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { parseJson } from '../../lib/json.ts';
import { IssueError } from '../automation/issuer.ts';
import type { AcmeHttp, AcmeHttpResponse } from './acme-http.ts';
import type { AcmeDirectory } from './acme-objects.ts';
import { parseProblem, toResponseError } from './problem.ts';

/** The key of an account (P-256), in the forms that requests need. */
export interface AccountKey {
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
  /** RFC 7638, base64url; the second half of every key authorization. */
  readonly thumbprint: string;
}

/** A conversation with one authority, about one order. */
export interface AcmeSession {
  readonly directory: AcmeDirectory;
  /** The authority, for people. */
  readonly title: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /**
   * Sends a signed request and resolves with the answer when its status is below 300. Rejects with an IssueError, a
   * ProblemError where the authority gave a reason.
   */
  post(request: SignedRequest): Promise<AcmeHttpResponse>;
}

export interface SignedRequest {
  readonly url: string;
  /** POST-as-GET when absent (RFC 8555 section 6.3). */
  readonly payload?: object;
  readonly key: AccountKey;
  /** URL of the account; when undefined the key itself identifies, as for a new account. */
  readonly kid: string | undefined;
  /** What a refusal is, after the authority's title; `refuses the order` when absent. */
  readonly verdict?: string;
}

export interface SessionOptions {
  readonly http: AcmeHttp;
  readonly directory: AcmeDirectory;
  readonly title: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** At a rejection rate of one half, one request in two million is refused this often. */
const mostAttempts = 21;

export function createAcmeSession(options: SessionOptions): AcmeSession {
  const { http, directory, title, clock, signal } = options;
  /** Each answer brings the nonce for another request (RFC 8555 section 6.5). */
  const nonces: string[] = [];

  async function send(request: Parameters<AcmeHttp['send']>[0]): Promise<AcmeHttpResponse> {
    const response = await http.send(request);
    const nonce = response.headers['replay-nonce'];
    if (nonce !== undefined && /^[A-Za-z0-9_-]{1,512}$/.test(nonce)) nonces.push(nonce);
    return response;
  }

  async function takeNonce(): Promise<string> {
    const kept = nonces.pop();
    if (kept !== undefined) return kept;
    const response = await send({ method: 'HEAD', url: directory.newNonce, signal });
    if (response.status >= 300) {
      throw toResponseError(response, { title, verdict: 'gives no nonce' }, clock.now());
    }
    const fresh = nonces.pop();
    if (fresh === undefined) throw notAcme(title, 'an answer without a nonce');
    return fresh;
  }

  return {
    directory,
    title,
    clock,
    signal,
    async post(request) {
      const { url, verdict = 'refuses the order' } = request;
      for (let attempt = 1; ; attempt += 1) {
        const body = await signRequest(request, await takeNonce());
        const response = await send({ method: 'POST', url, body, signal });
        if (response.status < 300) return response;
        const stale = response.status === 400 && isBadNonce(response);
        if (!stale || attempt >= mostAttempts) {
          throw toResponseError(response, { title, verdict }, clock.now());
        }
      }
    },
  };
}

async function signRequest(request: SignedRequest, nonce: string): Promise<string> {
  const { key, kid, url, payload } = request;
  const identity = kid === undefined ? { jwk: key.jwk } : { kid };
  const text = payload === undefined ? '' : JSON.stringify(payload);
  const jws = await new FlattenedSign(Buffer.from(text))
    .setProtectedHeader({ alg: 'ES256', nonce, url, ...identity })
    .sign(key.privateKey);
  return JSON.stringify(jws);
}

export function toAccountKey(privateKey: KeyObject): AccountKey {
  const { kty = '', crv = '', x = '', y = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  // The members in this order and nothing between them: RFC 7638 section 3.
  const canonical = JSON.stringify({ crv, kty, x, y });
  const thumbprint = createHash('sha256').update(canonical).digest('base64url');
  return { privateKey, jwk: { kty, crv, x, y }, thumbprint };
}

/** Reads the object in an answer; throws an IssueError when it is not what RFC 8555 says. */
export function parseObject<T>(title: string, schema: z.ZodType<T>, response: AcmeHttpResponse): T {
  const parsed = schema.safeParse(parseJson(response.body));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw notAcme(title, `an object whose ${issue?.path.join('.') || 'form'} is wrong`);
}

/** The authority, or something in its place, does not speak the protocol. */
export function notAcme(title: string, what: string): IssueError {
  return new IssueError('E_ACME_UNREACHABLE', `${title} answers with something that is not ACME: ${what}`);
}

function isBadNonce(response: AcmeHttpResponse): boolean {
  return parseProblem(response)?.type === 'urn:ietf:params:acme:error:badNonce';
}
