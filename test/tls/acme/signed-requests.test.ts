import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint, flattenedVerify, type FlattenedJWS } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AcmeHttp, AcmeHttpRequest, AcmeHttpResponse } from '../../../src/tls/acme/acme-http.ts';
import { createAcmeSession, toAccountKey, type AcmeSession } from '../../../src/tls/acme/signed-requests.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = toAccountKey(privateKey);
const url = 'https://ca.example.com/order';
const kid = 'https://ca.example.com/account/1';
const badNonce = JSON.stringify({ type: 'urn:ietf:params:acme:error:badNonce' });

interface Sent extends AcmeHttpRequest {
  readonly header: { readonly nonce?: string; readonly [name: string]: unknown };
}

/** An authority that gives a fresh nonce with each answer and remembers which were used. */
class NonceAuthority implements AcmeHttp {
  readonly posts: Sent[] = [];
  heads = 0;
  /** Good nonces that are still to be rejected. */
  rejecting = 0;
  nonces = true;
  #given = 0;

  send(request: AcmeHttpRequest): Promise<AcmeHttpResponse> {
    this.#given += 1;
    const headers = {
      'content-type': 'application/problem+json',
      ...(this.nonces ? { 'replay-nonce': `nonce-${this.#given}` } : {}),
    };
    if (request.method === 'HEAD') {
      this.heads += 1;
      return Promise.resolve({ status: 200, headers, body: '' });
    }
    const jws = JSON.parse(request.body ?? '') as FlattenedJWS;
    const header = JSON.parse(Buffer.from(jws.protected ?? '', 'base64url').toString()) as Sent['header'];
    this.posts.push({ ...request, header });
    this.rejecting -= 1;
    return Promise.resolve(
      this.rejecting >= 0 ? { status: 400, headers, body: badNonce } : { status: 200, headers, body: '{}' },
    );
  }

  close(): void {}
}

let authority: NonceAuthority;
let session: AcmeSession;

beforeEach(() => {
  authority = new NonceAuthority();
  session = createAcmeSession({
    http: authority,
    directory: { newNonce: 'https://ca.example.com/nonce', newAccount: url, newOrder: url },
    title: 'Example CA',
    clock: new ManualClock(),
    signal: new AbortController().signal,
  });
});

describe('createAcmeSession', () => {
  it('signs what the authority can verify, for this URL and this account', async () => {
    await session.post({ url, payload: { a: 1 }, key, kid });
    const jws = JSON.parse(authority.posts[0]?.body ?? '') as FlattenedJWS;
    const { payload, protectedHeader } = await flattenedVerify(jws, createPublicKey(privateKey));
    expect(protectedHeader).toEqual({ alg: 'ES256', nonce: 'nonce-1', url, kid });
    expect(Buffer.from(payload).toString()).toBe('{"a":1}');
  });

  it('identifies a new account by its public key alone', async () => {
    await session.post({ url, payload: {}, key, kid: undefined });
    expect(authority.posts[0]?.header).toMatchObject({ jwk: { kty: 'EC', crv: 'P-256' } });
    expect(authority.posts[0]?.body).not.toContain('"d"');
    expect(authority.posts[0]?.header).not.toHaveProperty('kid');
  });

  it('reads with an empty payload (POST-as-GET, RFC 8555 section 6.3)', async () => {
    await session.post({ url, key, kid });
    expect(JSON.parse(authority.posts[0]?.body ?? '')).toMatchObject({ payload: '' });
  });

  it('asks for one nonce and lives on those of the answers, each used once (replay)', async () => {
    for (let request = 0; request < 10; request += 1) await session.post({ url, key, kid });
    expect(authority.heads).toBe(1);
    expect(new Set(authority.posts.map(({ header }) => header.nonce)).size).toBe(10);
  });

  it('repeats a request whose nonce is rejected with the nonce of the rejection', async () => {
    authority.rejecting = 20;
    const response = await session.post({ url, key, kid });
    expect(response.status).toBe(200);
    expect(authority.posts).toHaveLength(21);
    expect(authority.heads).toBe(1);
  });

  it('does not repeat for ever', async () => {
    authority.rejecting = 1000;
    await expect(session.post({ url, key, kid })).rejects.toMatchObject({ code: 'E_ACME_UNREACHABLE' });
    expect(authority.posts).toHaveLength(21);
  });

  it('says so when there is no nonce to be had', async () => {
    authority.nonces = false;
    await expect(session.post({ url, key, kid })).rejects.toThrow('without a nonce');
  });
});

describe('toAccountKey', () => {
  it('has the thumbprint of RFC 7638', async () => {
    expect(key.thumbprint).toBe(await calculateJwkThumbprint(key.jwk, 'sha256'));
  });
});
