import { once } from 'node:events';
import {
  connect,
  createSecureContext,
  createServer,
  getCACertificates,
  setDefaultCACertificates,
  type ConnectionOptions,
  type SecureVersion,
  type TlsOptions,
} from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { CertificateStore, type CertificateStoreOptions } from '../../src/tls/handshake/certificate-store.ts';
import { createClientCheck } from '../../src/tls/handshake/client-identity.ts';
import type { ClientCertificates } from '../../src/tls/handshake/client-certificates.ts';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import {
  createClientAuthority,
  createClientCertificate,
  createRevocationList,
} from '../support/client-certificates.ts';
import { toMaterial } from './material.ts';

const versions = ['TLSv1.3', 'TLSv1.2'] as const;
const day = 24 * 3_600_000;
const hour = 3_600_000;

const first = await createTestCertificate({ names: ['a.test'] });
const other = await createTestCertificate({ names: ['b.test'] });
const authority = await createClientAuthority();
/** Has the very name of the authority. */
const foreign = await createClientAuthority();
const good = await createClientCertificate({ issuer: authority });
const revoked = await createClientCertificate({ issuer: authority, subject: [{ CN: ['revoked'] }] });
const crl = await createRevocationList({ issuer: authority, revoked: [revoked] });
const bad = {
  foreign: await createClientCertificate({ issuer: foreign }),
  revoked,
  expired: await createClientCertificate({ issuer: authority, notBefore: Date.now() - 40 * day, days: 30 }),
  early: await createClientCertificate({ issuer: authority, notBefore: Date.now() + hour }),
  'of a server': await createClientCertificate({ issuer: authority, purposes: ['1.3.6.1.5.5.7.3.1'] }),
  'self-signed': await createTestCertificate({ names: ['ci'], purposes: ['1.3.6.1.5.5.7.3.2'] }),
};
const clients: ClientCertificates = { ca: authority.cert, crl, required: true };

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Answers each connection that gets through with who it is, as the gateway would see it. */
async function serve(
  options: TlsOptions,
  rest: { readonly required: boolean; readonly attach?: (store: ReturnType<typeof createServer>) => void },
): Promise<number> {
  const check = createClientCheck(rest);
  const server = createServer(options, (socket) => {
    socket.on('error', () => socket.destroy());
    const found = check(socket);
    if (found.kind === 'refused') socket.destroy();
    else socket.once('data', () => socket.end(found.kind === 'known' ? found.certificate.subject : 'nobody'));
  });
  server.on('tlsClientError', (_error, socket) => void socket.destroy());
  rest.attach?.(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function createStore(options: Partial<CertificateStoreOptions> = {}): CertificateStore {
  return new CertificateStore({
    materials: [toMaterial(first), toMaterial(other)],
    domains: [],
    unknownName: 'default',
    clients,
    ticketKeys: Buffer.alloc(48, 1),
    ...options,
  });
}

function serveStore(store: CertificateStore, required = true): Promise<number> {
  return serve(store.createTlsOptions({ http2: false, handshakeTimeout: 5000 }), {
    required,
    attach: (server) => store.attach(server),
  });
}

interface Visit {
  /** What the server answered: the client's name, `nobody`, or nothing at all for a client that did not get through. */
  readonly answer: string;
  readonly session: Buffer | undefined;
  readonly resumed: boolean;
}

/** Asks and reads until the connection is over. In TLS 1.3 the handshake looks done to a client that is refused. */
async function visit(options: ConnectionOptions): Promise<Visit> {
  const socket = connect({ host: '127.0.0.1', servername: 'a.test', rejectUnauthorized: false, ...options });
  let answer = '';
  let session: Buffer | undefined;
  let resumed = false;
  socket.on('secureConnect', () => {
    resumed = socket.isSessionReused();
    socket.write('who am I?');
  });
  socket.on('session', (issued) => (session = issued));
  socket.on('data', (bytes) => (answer += bytes.toString()));
  socket.on('error', () => socket.destroy());
  await new Promise((resolve) => void socket.once('close', resolve));
  return { answer, session, resumed };
}

type Shown = Pick<TestCertificate, 'cert' | 'key'>;
const limit = (version: SecureVersion): ConnectionOptions => ({ minVersion: version, maxVersion: version });
const show = ({ cert, key }: Shown): Shown => ({ cert, key });

describe.each(versions)('a required client certificate in %s', (version) => {
  it('lets its owner in, whichever name is asked for', async () => {
    const port = await serveStore(createStore());
    for (const servername of ['a.test', 'b.test', 'c.test', undefined]) {
      const visited = await visit({
        port,
        ...limit(version),
        ...show(good),
        ...(servername === undefined ? { servername: '' } : { servername }),
      });
      expect(visited.answer).toBe('CN=ci, O=Example');
    }
  });

  it('keeps out who has none, on every name', async () => {
    const port = await serveStore(createStore());
    for (const servername of ['a.test', 'b.test', 'c.test', '']) {
      expect((await visit({ port, ...limit(version), servername })).answer).toBe('');
    }
  });

  it.each(Object.entries(bad))('keeps out one that is %s, on every name', async (_what, certificate) => {
    const port = await serveStore(createStore());
    const open = await serve(
      { ...show(first), requestCert: true, rejectUnauthorized: false },
      { required: false },
    );
    for (const servername of ['a.test', 'b.test', 'c.test', '']) {
      const options = { ...limit(version), ...show(certificate), servername };
      expect((await visit({ ...options, port })).answer).toBe('');
      expect((await visit({ ...options, port: open })).answer).toBe('');
    }
    const indifferent = await serve({ ...show(first) }, { required: false });
    expect((await visit({ ...limit(version), ...show(certificate), port: indifferent })).answer).toBe(
      'nobody',
    );
  });

  it('is not resumed, revoked-by-session-ticket', async () => {
    const store = createStore({ clients: { ...clients, crl: undefined } });
    const port = await serveStore(store);
    const options = { port, ...limit(version), ...show(revoked) };
    const before = await visit(options);
    expect(before.answer).toBe('CN=revoked');
    store.replaceClients(clients);
    const { session } = before;
    const after = await visit({ ...options, ...(session === undefined ? {} : { session }) });
    expect(after).toMatchObject({ answer: '', resumed: false });
  });

  it('would be resumed with tickets: the control lets a revoked client in', async () => {
    const base = { ...show(first), ca: authority.cert, requestCert: true, ticketKeys: Buffer.alloc(48, 1) };
    const before = await serve(base, { required: true });
    const after = await serve({ ...base, crl }, { required: true });
    const options = { ...limit(version), ...show(revoked) };
    const { session } = await visit({ ...options, port: before });
    if (session === undefined) throw new Error('no session was issued');
    expect(await visit({ ...options, port: after, session })).toMatchObject({
      answer: 'CN=revoked',
      resumed: true,
    });
  });

  it('cannot be replaced by a ticket from where none is asked for, anonymous-session-ticket', async () => {
    const open = createStore({ clients: undefined });
    const { session } = await visit({ port: await serveStore(open, false), ...limit(version) });
    if (session === undefined) throw new Error('no session was issued');
    const port = await serveStore(createStore());
    expect(await visit({ port, ...limit(version), session })).toMatchObject({ answer: '', resumed: false });
  });

  it('is checked against our authorities only, public-authority-by-server-name', async () => {
    const publicAuthorities = getCACertificates('default');
    setDefaultCACertificates([foreign.cert]);
    try {
      const options = { ...limit(version), ...show(bad.foreign), servername: 'b.test' };
      expect((await visit({ ...options, port: await serveStore(createStore()) })).answer).toBe('');
      // The control: a context without authorities takes the public ones.
      const context = createSecureContext(show(other));
      const server: TlsOptions = {
        ...show(first),
        ca: authority.cert,
        requestCert: true,
        SNICallback: (_name, done) => done(null, context),
      };
      expect((await visit({ ...options, port: await serve(server, { required: true }) })).answer).toBe(
        'CN=ci, O=Example',
      );
    } finally {
      setDefaultCACertificates(publicAuthorities);
    }
  });

  it('is checked against a new revocation list at once, on every name', async () => {
    const store = createStore({
      clients: { ...clients, crl: await createRevocationList({ issuer: authority }) },
    });
    const port = await serveStore(store);
    for (const servername of ['a.test', 'b.test', '']) {
      expect((await visit({ port, ...limit(version), ...show(revoked), servername })).answer).toBe(
        'CN=revoked',
      );
    }
    store.replaceClients(clients);
    for (const servername of ['a.test', 'b.test', '']) {
      expect((await visit({ port, ...limit(version), ...show(revoked), servername })).answer).toBe('');
      expect((await visit({ port, ...limit(version), ...show(good), servername })).answer).toBe(
        'CN=ci, O=Example',
      );
    }
  });

  it('keeps everybody out under a revocation list that is over, or is not the authority’s', async () => {
    const over = await createRevocationList({ issuer: authority, nextUpdate: Date.now() - 60_000 });
    const stranger = await createRevocationList({ issuer: foreign });
    for (const list of [over, stranger]) {
      const port = await serveStore(createStore({ clients: { ...clients, crl: list } }));
      expect((await visit({ port, ...limit(version), ...show(good) })).answer).toBe('');
    }
  });

  it('of several authorities needs the list of its own', async () => {
    const second = await createClientAuthority('Second CA');
    const theirs = await createClientCertificate({ issuer: second, subject: [{ CN: ['theirs'] }] });
    const gone = await createClientCertificate({ issuer: second, subject: [{ CN: ['gone'] }] });
    const lists = crl + (await createRevocationList({ issuer: second, revoked: [gone] }));
    const port = await serveStore(
      createStore({ clients: { ca: authority.cert + second.cert, crl: lists, required: true } }),
    );
    const answers = [];
    for (const certificate of [good, theirs, revoked, gone]) {
      answers.push((await visit({ port, ...limit(version), ...show(certificate) })).answer);
    }
    expect(answers).toEqual(['CN=ci, O=Example', 'CN=theirs', '', '']);
  });
});

describe.each(versions)('an optional client certificate in %s', (version) => {
  const optional = { ...clients, required: false };

  it('tells its owner from a stranger', async () => {
    const port = await serveStore(createStore({ clients: optional }), false);
    for (const servername of ['a.test', 'b.test']) {
      expect((await visit({ port, ...limit(version), servername })).answer).toBe('nobody');
      expect((await visit({ port, ...limit(version), servername, ...show(good) })).answer).toBe(
        'CN=ci, O=Example',
      );
    }
  });

  it.each(Object.entries(bad))('that is %s is refused, not taken for none', async (_what, certificate) => {
    const port = await serveStore(createStore({ clients: optional }), false);
    for (const servername of ['a.test', 'b.test']) {
      expect((await visit({ port, ...limit(version), servername, ...show(certificate) })).answer).toBe('');
    }
  });
});

it('asks nobody for a certificate when none is wanted', async () => {
  const port = await serveStore(createStore({ clients: undefined }), false);
  expect((await visit({ port, ...show(good) })).answer).toBe('nobody');
});

it('keeps the old authorities when new ones cannot be used', async () => {
  const store = createStore();
  const port = await serveStore(store);
  expect(() =>
    store.replaceClients({ ...clients, crl: '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n' }),
  ).toThrow();
  for (const servername of ['a.test', 'b.test']) {
    expect((await visit({ port, servername, ...show(good) })).answer).toBe('CN=ci, O=Example');
    expect((await visit({ port, servername, ...show(revoked) })).answer).toBe('');
  }
});

it('is still asked for after certificates and ticket keys were swapped', async () => {
  const store = createStore();
  const port = await serveStore(store);
  store.replace([toMaterial(await createTestCertificate({ names: ['a.test'] })), toMaterial(other)]);
  store.rotateTicketKeys(Buffer.alloc(48, 9));
  for (const servername of ['a.test', 'b.test', '']) {
    expect((await visit({ port, servername })).answer).toBe('');
    expect((await visit({ port, servername, ...show(revoked) })).answer).toBe('');
    expect((await visit({ port, servername, ...show(good) })).answer).toBe('CN=ci, O=Example');
  }
});

it('refuses a revocation list that holds none, which would revoke nobody', () => {
  for (const empty of ['', 'no list', authority.cert]) {
    expect(() => createStore({ clients: { ...clients, crl: empty } })).toThrow();
  }
});
