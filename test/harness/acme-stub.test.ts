import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildCertificateRequest } from '../../src/tls/acme/certificate-request.ts';
import { toCertificateId } from '../../src/tls/acme/certificate-id.ts';
import { AcmeRawClient, bind, createKey, toChallengeUrl, toKeyDigest } from '../support/acme-raw-client.ts';
import { createAcmeStub, type AcmeStub } from '../support/acme-stub/acme-stub.ts';
import { standardProfiles, type AcmeStubOptions, type StubChallenge } from '../support/acme-stub/settings.ts';
import { ManualClock } from '../support/manual-clock.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.UTC(2026, 0, 1);

let clock: ManualClock;
let stub: AcmeStub;
let client: AcmeRawClient;

async function open(options: Partial<AcmeStubOptions> = {}): Promise<void> {
  clock = new ManualClock(start);
  stub = await createAcmeStub({ clock, validate: () => 'valid', ...options });
  client = new AcmeRawClient(stub);
}

/** PEM blocks of a chain. */
function split(chain: string): X509Certificate[] {
  const blocks = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

beforeEach(() => open());

describe('the stub issues as an authority does', () => {
  beforeEach(() => client.register({ contact: ['mailto:ops@example.com'] }));

  it('a chain to its root for the key and names of the request, and for them alone', async () => {
    const { chain, key } = await client.obtain(['a.example.com', 'b.example.com']);
    const [leaf, intermediate, more] = split(chain);
    const [root] = split(stub.roots[0]);
    expect(more).toBeUndefined();
    expect(leaf?.checkPrivateKey(key)).toBe(true);
    expect(leaf?.subjectAltName).toBe('DNS:a.example.com, DNS:b.example.com');
    expect(leaf?.subject).toBe('CN=a.example.com');
    expect(leaf?.ca).toBe(false);
    expect(leaf?.verify(intermediate?.publicKey ?? createPublicKey(key))).toBe(true);
    expect(intermediate?.verify(root?.publicKey ?? createPublicKey(key))).toBe(true);
    expect(leaf?.checkIssued(intermediate ?? leaf)).toBe(true);
    expect(stub.ledger.refusals).toEqual([]);
  });

  it.each([
    ['classic', 90 * day],
    ['tlsserver', 45 * day],
    ['shortlived', 160 * hour],
  ] as const)('the profile %s lives as long as it says', async (profile, lifetime) => {
    const { chain } = await client.obtain(['example.com'], { profile });
    const [leaf] = split(chain);
    const life = Date.parse(leaf?.validTo ?? '') - Date.parse(leaf?.validFrom ?? '') + 1000;
    expect(life).toBe(lifetime);
    expect(Date.parse(leaf?.validFrom ?? '')).toBe(start - hour);
  });

  it('lifetimes that tests choose', async () => {
    await open({ profiles: { classic: { ...standardProfiles.classic, lifetime: 64 * day } } });
    await client.register();
    await client.obtain(['example.com']);
    const [certificate] = stub.ledger.certificates;
    expect(certificate?.notAfter).toBe(start - hour + 64 * day - 1000);
  });

  it('addresses in the short-lived profile, in every spelling that is canonical', async () => {
    const { chain } = await client.obtain(['192.0.2.1', '2001:db8::1'], { profile: 'shortlived' });
    expect(split(chain)[0]?.subjectAltName).toBe('IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1');
    const refused = await client.requestOrder(['192.0.2.1'], { profile: 'classic' });
    expect(refused.problem).toBe('rejectedIdentifier');
    const spelled = await client.requestOrder(['2001:DB8:0::1'], { profile: 'shortlived' });
    expect(spelled.problem).toBe('malformed');
  });

  it('serial numbers with and without the highest bit, under the identifier a client works out', async () => {
    for (let count = 0; count < 12; count++) {
      const { chain } = await client.obtain([`${count}.example.com`]);
      const [leaf] = split(chain);
      const record = stub.ledger.certificates.at(-1);
      expect(record?.serialNumber).toBe(leaf?.serialNumber);
      expect(leaf && toCertificateId(leaf)).toBe(record?.certId);
    }
    const highest = stub.ledger.certificates.map(({ certId }) =>
      Buffer.from(certId.split('.')[1] ?? '', 'base64url').readUInt8(0),
    );
    expect(highest.some((byte) => byte === 0)).toBe(true);
    expect(highest.some((byte) => byte > 0)).toBe(true);
  });

  it('a wildcard by dns-01 alone, at the name below it', async () => {
    const { authorizations } = await client.order(['*.example.com']);
    const { json } = await client.post(authorizations[0] ?? '');
    expect(json).toMatchObject({ wildcard: true, identifier: { type: 'dns', value: 'example.com' } });
    expect(json['challenges']).toMatchObject([{ type: 'dns-01' }]);
  });

  it('alternate chains, announced by links', async () => {
    await open({ alternateRoots: 2 });
    await client.register();
    const order = await client.order(['example.com']);
    await client.prove(order);
    await client.post(order.url);
    await client.finalize(order, ['example.com']);
    const { body, headers } = await client.download(order);
    const links = [...(headers['link'] ?? '').matchAll(/<([^>]+)>;rel="alternate"/g)].map(
      ([, url]) => url ?? '',
    );
    expect(links).toHaveLength(2);
    const alternate = await client.post(links[1] ?? '');
    const issuers = [body, alternate.body].map((chain) => split(chain)[1]?.issuer);
    expect(issuers).toEqual(['O=Stub\nCN=Stub Root 1', 'O=Stub\nCN=Stub Root 3']);
    expect(split(alternate.body)[1]?.verify(split(stub.roots[2] ?? '')[0]?.publicKey ?? createKey())).toBe(
      true,
    );
  });

  it('only after the validation, and says what was found', async () => {
    let found = 'something else';
    await open({
      lookup: ({ name }: StubChallenge) => (name === 'a.example.com' ? found : undefined),
    });
    await client.register();
    const first = await client.order(['a.example.com']);
    await client.prove(first);
    const authorization = await client.post(first.authorizations[0] ?? '');
    expect(authorization.json).toMatchObject({ status: 'invalid' });
    expect((await client.post(first.url)).json).toMatchObject({
      status: 'invalid',
      error: { type: 'urn:ietf:params:acme:error:unauthorized' },
    });
    const second = await client.order(['a.example.com']);
    const { json } = await client.post(second.authorizations[0] ?? '');
    expect((await client.finalize(second, ['a.example.com'])).problem).toBe('orderNotReady');
    const { json: challenge } = await client.post(toChallengeUrl(json, 0));
    found = `${String(challenge['token'])}.${await client.thumbprint()}`;
    await client.prove(second);
    expect((await client.post(second.url)).json['status']).toBe('ready');
    await client.prove(await client.order(['b.example.com']));
    await client.order(['b.example.com']);
    expect(stub.ledger.failures).toMatchObject([
      { name: 'a.example.com', problem: 'unauthorized' },
      { name: 'b.example.com', problem: 'connection' },
    ]);
  });

  it('takes its time where it is told to', async () => {
    await open({ validationDelay: 5000, issueDelay: 20_000, validate: () => 'valid' });
    await client.register();
    const order = await client.order(['example.com']);
    await client.prove(order);
    const status = async (): Promise<unknown> => (await client.post(order.url)).json['status'];
    expect(await status()).toBe('pending');
    clock.advance(5000);
    expect(await status()).toBe('ready');
    await client.finalize(order, ['example.com']);
    expect(await status()).toBe('processing');
    clock.advance(20_000);
    expect(await status()).toBe('valid');
  });
});

describe('the stub refuses a client that', () => {
  let url: string;
  let endpoint: string;
  beforeEach(async () => {
    await client.register();
    url = client.kid ?? '';
    endpoint = await client.find('newOrder');
  });

  it('replays a nonce, or makes one up', async () => {
    const nonce = await client.fetchNonce();
    expect((await client.post(url, undefined, { nonce })).status).toBe(200);
    const again = await client.post(url, undefined, { nonce });
    expect([again.status, again.problem]).toEqual([400, 'badNonce']);
    expect(again.headers['replay-nonce']).toBeDefined();
    expect((await client.post(url, undefined, { nonce: 'bm9uZQ' })).problem).toBe('badNonce');
  });

  it('signs for another URL', async () => {
    const wrong = await client.post(url, undefined, { signedUrl: `${url}/` });
    expect([wrong.status, wrong.problem]).toEqual([403, 'unauthorized']);
  });

  it('signs with another key, or changes what was signed', async () => {
    const signingKey = createKey();
    expect((await client.post(url, undefined, { signingKey })).problem).toBe('malformed');
    const tamper = (body: string): string => {
      // The client built this JSON itself.
      const jws = JSON.parse(body) as Record<string, string>;
      return JSON.stringify({
        ...jws,
        payload: Buffer.from('{"status":"deactivated"}').toString('base64url'),
      });
    };
    expect((await client.post(url, undefined, { tamper })).problem).toBe('malformed');
    expect((await client.post(url)).json['status']).toBe('valid');
  });

  it('names its key in the wrong way', async () => {
    const jwk = await client.jwk();
    const kid = client.kid ?? '';
    expect((await client.post(url, undefined, { header: { jwk } })).problem).toBe('malformed');
    expect((await client.post(url, undefined, { header: { jwk, kid } })).problem).toBe('malformed');
    expect((await client.post(url, undefined, { header: {} })).problem).toBe('malformed');
    expect((await client.post(await client.find('newAccount'), {}, { header: { kid } })).problem).toBe(
      'malformed',
    );
    const unknown = await client.post(url, undefined, { header: { kid: `${kid}9` } });
    expect([unknown.status, unknown.problem]).toEqual([400, 'accountDoesNotExist']);
  });

  it('uses the algorithm none, a MAC, or unknown header members', async () => {
    const header = async (change: object): Promise<string | undefined> => {
      const nonce = await client.fetchNonce();
      const tamper = (body: string): string => {
        // The client built this JSON itself.
        const jws = JSON.parse(body) as Record<string, string>;
        const text = JSON.stringify({ alg: 'ES256', nonce, url, kid: client.kid, ...change });
        return JSON.stringify({ ...jws, protected: Buffer.from(text).toString('base64url') });
      };
      return (await client.post(url, undefined, { tamper })).problem;
    };
    expect(await header({ alg: 'none' })).toBe('badSignatureAlgorithm');
    expect(await header({ alg: 'HS256' })).toBe('badSignatureAlgorithm');
    const known = { kid: client.kid };
    expect((await client.post(url, undefined, { header: known })).problem).toBeUndefined();
    expect((await client.post(url, undefined, { header: { ...known, extra: 1 } })).problem).toBe('malformed');
  });

  it('sends another content type, no User-Agent, or asks with GET for what needs a signature', async () => {
    const json = { headers: { 'content-type': 'application/json' } };
    expect((await client.post(url, undefined, json)).status).toBe(415);
    expect((await client.post(url, undefined, { headers: { 'user-agent': undefined } })).problem).toBe(
      'malformed',
    );
    expect((await client.get(url)).status).toBe(405);
    expect((await client.get(`${stub.directoryUrl}/more`)).status).toBe(404);
  });

  it('sends its own JSON form of a JWS', async () => {
    const tamper = (body: string): string => {
      // The client built this JSON itself.
      const { payload, ...signature } = JSON.parse(body) as Record<string, string>;
      return JSON.stringify({ payload, signatures: [signature] });
    };
    expect((await client.post(url, undefined, { tamper })).problem).toBe('malformed');
    expect((await client.post(url, undefined, { tamper: () => 'a.b.c' })).problem).toBe('malformed');
  });

  it('reads what belongs to another account', async () => {
    const order = await client.order(['example.com']);
    const other = new AcmeRawClient(stub);
    await other.register();
    expect((await other.post(order.url)).problem).toBe('unauthorized');
    expect((await other.post(order.authorizations[0] ?? '')).problem).toBe('unauthorized');
    expect((await other.finalize(order, ['example.com'])).problem).toBe('unauthorized');
    expect((await other.post(url)).problem).toBe('unauthorized');
  });

  it('asks for a certificate with another name, one more, one less, or an unsigned request', async () => {
    const names = ['a.example.com', 'b.example.com'];
    const order = await client.order(names);
    await client.prove(order);
    await client.post(order.url);
    for (const wrong of [
      ['a.example.com'],
      [...names, 'c.example.com'],
      ['a.example.com', 'x.example.com'],
    ]) {
      expect((await client.finalize(order, wrong)).problem, wrong.join()).toBe('badCSR');
    }
    const privateKey = createKey();
    const csr = await buildCertificateRequest({ names, privateKey, publicKey: createPublicKey(privateKey) });
    const last = csr.length - 1;
    csr.writeUInt8(csr.readUInt8(last) ^ 1, last);
    expect((await client.post(order.finalize, { csr: csr.toString('base64url') })).problem).toBe('badCSR');
    expect((await client.post(order.finalize, { csr: 'MA' })).problem).toBe('badCSR');
    const accountKey = { privateKey: client.key, publicKey: createPublicKey(client.key) };
    const reused = await buildCertificateRequest({ names, ...accountKey });
    expect((await client.post(order.finalize, { csr: reused.toString('base64url') })).problem).toBe('badCSR');
    expect((await client.finalize(order, names)).problem).toBeUndefined();
    expect((await client.post(order.url)).json['status']).toBe('valid');
    expect(stub.ledger.certificates).toHaveLength(1);
  });

  it('orders nonsense', async () => {
    const order = (payload: object): Promise<string | undefined> =>
      client.post(endpoint, payload).then(({ problem }) => problem);
    const example = { type: 'dns', value: 'example.com' };
    expect(await order({})).toBe('malformed');
    expect(await order({ identifiers: [] })).toBe('malformed');
    expect(await order({ identifiers: [example, example] })).toBe('malformed');
    expect(await order({ identifiers: [{ type: 'dns', value: 'Example.com' }] })).toBe('malformed');
    expect(await order({ identifiers: [{ type: 'dns', value: '192.0.2.1' }] })).toBe('malformed');
    expect(await order({ identifiers: [{ type: 'email', value: 'a@example.com' }] })).toBe(
      'unsupportedIdentifier',
    );
    expect(await order({ identifiers: [example], notAfter: '2026-02-01T00:00:00Z' })).toBe('malformed');
    expect(await order({ identifiers: [example], profile: 'tlsclient' })).toBe('invalidProfile');
    const many = Array.from({ length: 26 }, (_, index) => `${index}.example.com`);
    expect((await client.requestOrder(many, { profile: 'tlsserver' })).problem).toBe('malformed');
  });

  it('answers a challenge with something else than an empty object', async () => {
    const order = await client.order(['example.com']);
    const { json } = await client.post(order.authorizations[0] ?? '');
    expect((await client.post(toChallengeUrl(json, 0), { keyAuthorization: 'x' })).problem).toBe('malformed');
  });

  it('wants a forbidden name, and says which', async () => {
    await open({ blockedNames: ['forbidden.example.com'] });
    await client.register();
    const refused = await client.requestOrder(['example.com', 'forbidden.example.com']);
    expect(refused.problem).toBe('rejectedIdentifier');
    expect(refused.json['subproblems']).toMatchObject([{ identifier: { value: 'forbidden.example.com' } }]);
  });
});

describe('accounts', () => {
  it('are found again by their key, and only so', async () => {
    const first = await client.register();
    const again = await client.register();
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.headers['location']).toBe(first.headers['location']);
    const other = new AcmeRawClient(stub);
    expect((await other.register({ onlyReturnExisting: true })).problem).toBe('accountDoesNotExist');
  });

  it('need terms that are agreed to and an address that is one', async () => {
    expect((await client.register({ termsOfServiceAgreed: false })).problem).toBe('userActionRequired');
    expect((await client.register({ contact: ['mailto:nobody'] })).problem).toBe('invalidContact');
    expect((await client.register({ contact: ['tel:+1'] })).problem).toBe('unsupportedContact');
  });

  it('may need a binding, by the right secret, for the right key and URL', async () => {
    const secret = createHash('sha256').update('secret').digest('base64url');
    await open({ externalAccountRequired: true, externalAccounts: { 'kid-1': secret } });
    const newAccount = await client.find('newAccount');
    const jwk = await client.jwk();
    const attempt = async (change: Partial<Parameters<typeof bind>[0]>): Promise<string | undefined> => {
      const binding = await bind({ jwk, url: newAccount, kid: 'kid-1', secret, ...change });
      return (await client.register({ externalAccountBinding: binding })).problem;
    };
    expect((await client.register()).problem).toBe('externalAccountRequired');
    expect(await attempt({ kid: 'kid-2' })).toBe('unauthorized');
    expect(await attempt({ secret: createHash('sha256').update('x').digest('base64url') })).toBe(
      'unauthorized',
    );
    expect(await attempt({ url: `${newAccount}/` })).toBe('malformed');
    const foreign = await new AcmeRawClient(stub).jwk();
    expect(await attempt({ jwk: foreign })).toBe('malformed');
    expect(await attempt({})).toBeUndefined();
  });

  it('can be deactivated and forgotten', async () => {
    await client.register();
    stub.wipeAccounts();
    expect((await client.requestOrder(['example.com'])).problem).toBe('accountDoesNotExist');
    await client.register();
    const { json } = await client.post(client.kid ?? '', { status: 'deactivated' });
    expect(json['status']).toBe('deactivated');
    expect((await client.requestOrder(['example.com'])).problem).toBe('unauthorized');
  });
});

it('the ledger knows keys and names of what was issued', async () => {
  await client.register();
  const { key } = await client.obtain(['example.com'], { profile: 'tlsserver' });
  expect(stub.ledger.certificates).toMatchObject([
    { publicKey: toKeyDigest(key), names: ['example.com'], order: { profile: 'tlsserver', exempt: false } },
  ]);
});
