import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { calculateJwkThumbprint, exportJWK, FlattenedSign, type JWK } from 'jose';
import { buildCertificateRequest } from '../../src/tls/acme/certificate-request.ts';
import type { AcmeStub } from './acme-stub/acme-stub.ts';
import { parseRecord, type StubResponse } from './acme-stub/exchange.ts';

/** What a request does otherwise than it should. */
export interface Deviation {
  readonly method?: string;
  readonly nonce?: string;
  /** In the protected header, in place of the URL it goes to. */
  readonly signedUrl?: string;
  readonly signingKey?: KeyObject;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Changes the body after it was signed. */
  readonly tamper?: (body: string) => string;
}

export interface RawAnswer extends StubResponse {
  readonly json: Readonly<Record<string, unknown>>;
  /** Type of a problem without its namespace; `undefined` for a success. */
  readonly problem: string | undefined;
}

export interface RawOrder {
  readonly url: string;
  readonly finalize: string;
  readonly authorizations: readonly string[];
}

export interface RawCertificate {
  readonly chain: string;
  readonly key: KeyObject;
}

/** An ACME client in which each step can be done wrongly, to ask a server how strict it is. */
export class AcmeRawClient {
  readonly #stub: AcmeStub;
  readonly key: KeyObject = createKey();
  kid: string | undefined;

  constructor(stub: AcmeStub) {
    this.#stub = stub;
  }

  async jwk(): Promise<JWK> {
    const { kty = '', crv = '', x = '', y = '' } = await exportJWK(createPublicKey(this.key));
    return { kty, crv, x, y };
  }

  async thumbprint(): Promise<string> {
    return calculateJwkThumbprint(await this.jwk());
  }

  async get(url: string, deviation: Deviation = {}): Promise<RawAnswer> {
    const headers = { 'user-agent': 'raw', ...deviation.headers };
    return toAnswer(await this.#stub.handle({ method: deviation.method ?? 'GET', url, headers, body: '' }));
  }

  /** The URL the directory gives for a resource. */
  async find(resource: string): Promise<string> {
    const { json } = await this.get(this.#stub.directoryUrl);
    return String(json[resource]);
  }

  async fetchNonce(): Promise<string> {
    const { headers } = await this.get(await this.find('newNonce'), { method: 'HEAD' });
    return headers['replay-nonce'] ?? '';
  }

  /** Sends a signed request; without a payload it is POST-as-GET. */
  async post(url: string, payload?: object, deviation: Deviation = {}): Promise<RawAnswer> {
    const identity = this.kid === undefined ? { jwk: await this.jwk() } : { kid: this.kid };
    const header = {
      alg: 'ES256',
      nonce: deviation.nonce ?? (await this.fetchNonce()),
      url: deviation.signedUrl ?? url,
      ...(deviation.header ?? identity),
    };
    const jws = await new FlattenedSign(Buffer.from(payload === undefined ? '' : JSON.stringify(payload)))
      .setProtectedHeader(header)
      .sign(deviation.signingKey ?? this.key);
    const body = JSON.stringify(jws);
    return toAnswer(
      await this.#stub.handle({
        method: deviation.method ?? 'POST',
        url,
        headers: { 'user-agent': 'raw', 'content-type': 'application/jose+json', ...deviation.headers },
        body: deviation.tamper === undefined ? body : deviation.tamper(body),
      }),
    );
  }

  async register(fields: object = {}): Promise<RawAnswer> {
    this.kid = undefined;
    const answer = await this.post(await this.find('newAccount'), { termsOfServiceAgreed: true, ...fields });
    this.kid = answer.headers['location'];
    return answer;
  }

  async requestOrder(names: readonly string[], fields: object = {}): Promise<RawAnswer> {
    const identifiers = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }));
    return this.post(await this.find('newOrder'), { identifiers, ...fields });
  }

  async order(names: readonly string[], fields: object = {}): Promise<RawOrder> {
    const { json, headers, body } = await this.requestOrder(names, fields);
    const { finalize, authorizations } = json;
    if (typeof finalize !== 'string' || !Array.isArray(authorizations)) throw new Error(body);
    return { url: headers['location'] ?? '', finalize, authorizations: authorizations.map(String) };
  }

  /** Says of each authorization that its first challenge is ready. */
  async prove(order: RawOrder): Promise<void> {
    for (const url of order.authorizations) {
      const { json } = await this.post(url);
      if (json['status'] === 'pending') await this.post(toChallengeUrl(json, 0), {});
    }
  }

  /** Ready to be finalised with a request for these names. */
  async finalize(
    order: RawOrder,
    names: readonly string[],
  ): Promise<RawAnswer & { readonly key: KeyObject }> {
    const privateKey = createKey();
    const publicKey = createPublicKey(privateKey);
    const csr = await buildCertificateRequest({ names, privateKey, publicKey });
    const answer = await this.post(order.finalize, { csr: csr.toString('base64url') });
    return { ...answer, key: privateKey };
  }

  async download(order: RawOrder): Promise<RawAnswer> {
    const { json } = await this.post(order.url);
    return this.post(String(json['certificate']));
  }

  /** All of it. */
  async obtain(names: readonly string[], fields: object = {}): Promise<RawCertificate> {
    const order = await this.order(names, fields);
    await this.prove(order);
    await this.post(order.url);
    const { key, problem, body } = await this.finalize(order, names);
    if (problem !== undefined) throw new Error(body);
    const { body: chain } = await this.download(order);
    return { chain, key };
  }
}

export function toChallengeUrl(authorization: Readonly<Record<string, unknown>>, index: number): string {
  const { challenges } = authorization;
  const challenge: unknown = Array.isArray(challenges) ? challenges[index] : undefined;
  return String(parseRecord(JSON.stringify(challenge) ?? '')?.['url']);
}

/** An external account binding (RFC 8555 section 7.3.4). */
export async function bind(options: {
  readonly jwk: JWK;
  readonly url: string;
  readonly kid: string;
  /** base64url */
  readonly secret: string;
}): Promise<object> {
  const { jwk, url, kid, secret } = options;
  return new FlattenedSign(Buffer.from(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: 'HS256', kid, url })
    .sign(Buffer.from(secret, 'base64url'));
}

export function createKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** What the ledger has of a key, to find the certificate that was made for it. */
export function toKeyDigest(key: KeyObject): string {
  return createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function toAnswer(response: StubResponse): RawAnswer {
  const json = parseRecord(response.body) ?? {};
  const { type } = json;
  const problem = typeof type === 'string' ? type.replace('urn:ietf:params:acme:error:', '') : undefined;
  return { ...response, json, problem: response.status >= 400 ? problem : undefined };
}
