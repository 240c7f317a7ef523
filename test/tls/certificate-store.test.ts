import { once } from 'node:events';
import { connect as connectTcp, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { CertificateStore, type CertificateStoreOptions } from '../../src/tls/handshake/certificate-store.ts';
import { createServerNameCallback } from '../../src/tls/handshake/server-name-callback.ts';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import {
  echo,
  handshake,
  refusal,
  serialSeen,
  startEchoServer,
  type EchoServer,
} from '../support/tls-peers.ts';
import { toMaterial } from './material.ts';

const first = await createTestCertificate({ names: ['a.test', '*.wild.test'] });
const renewed = await createTestCertificate({ names: ['a.test'] });
const other = await createTestCertificate({ names: ['b.test'] });

const servers: EchoServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

function createStore(options: Partial<CertificateStoreOptions> = {}): CertificateStore {
  return new CertificateStore({
    materials: [toMaterial(first), toMaterial(other)],
    domains: ['uncovered.test'],
    unknownName: 'refuse',
    ticketKeys: Buffer.alloc(48, 1),
    ...options,
  });
}

async function serve(store: CertificateStore): Promise<EchoServer> {
  const server = await startEchoServer(
    store.createTlsOptions({ http2: false, handshakeTimeout: 5000 }),
    (tls) => store.attach(tls),
  );
  servers.push(server);
  return server;
}

function serialOf(certificate: TestCertificate): string {
  return toMaterial(certificate).facts.serialNumber;
}

describe('choosing by server name', () => {
  it.each([
    ['a.test', 'default'],
    ['A.TEST', 'default'],
    ['a.test.', 'default'],
    ['x.wild.test', 'default'],
    ['X.Wild.Test.', 'default'],
    ['b.test', 'context'],
    ['B.tEST', 'context'],
    ['uncovered.test', 'default'],
    ['127.0.0.1', 'default'],
    ['::1', 'default'],
    ['fe80::1%lo', 'default'],
    ['wild.test', 'refuse'],
    ['x.y.wild.test', 'refuse'],
    ['.wild.test', 'refuse'],
    ['*.wild.test', 'default'],
    ['c.test', 'refuse'],
    ['test', 'refuse'],
    ['', 'refuse'],
    ['.', 'refuse'],
    ['a.test..', 'refuse'],
    ['a.test\0.evil.example', 'refuse'],
    ['a'.repeat(300), 'refuse'],
    ['__proto__', 'refuse'],
    ['constructor', 'refuse'],
  ])('answers %j with %s', (servername, kind) => {
    expect(createStore().decide(servername).kind).toBe(kind);
  });

  it('answers unknown names with the default certificate where that is wanted', () => {
    expect(createStore({ unknownName: 'default' }).decide('c.test').kind).toBe('default');
  });

  it('serves each name its own certificate over a real handshake', async () => {
    const { port } = await serve(createStore());
    expect(await serialSeen({ port, servername: 'A.Test' })).toBe(serialOf(first));
    expect(await serialSeen({ port, servername: 'b.test' })).toBe(serialOf(other));
    expect(await serialSeen({ port })).toBe(serialOf(first));
  });

  it('sends unrecognized_name to a client that asks for an unknown name', async () => {
    const { port } = await serve(createStore());
    expect(await refusal({ port, servername: 'c.test' })).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    expect(await serialSeen({ port, servername: 'b.test' })).toBe(serialOf(other));
  });
});

describe('hostile server names on the wire', () => {
  /** A real ClientHello with its server name replaced by other bytes of the same length. */
  async function captureHello(name: string, replacement: Buffer): Promise<Buffer> {
    const server = createTcpServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    // The server listens on TCP, so its address is not the path of a Unix socket.
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: '127.0.0.1', port, servername: name });
    client.on('error', () => client.destroy());
    const [socket] = await once(server, 'connection');
    const [hello]: Buffer[] = await once(socket, 'data');
    socket.destroy();
    server.close();
    if (hello === undefined) throw new Error('no ClientHello arrived');
    replacement.copy(hello, hello.indexOf(name));
    return hello;
  }

  /** First bytes of the answer: 21 is an alert, 22 a handshake message. */
  async function answerTo(port: number, hello: Buffer): Promise<Buffer> {
    const socket = connectTcp(port, '127.0.0.1');
    socket.write(hello);
    const [answer]: Buffer[] = await once(socket, 'data');
    socket.destroy();
    return answer ?? Buffer.alloc(0);
  }

  it('does not let a NUL cut a name short, CVE-2026-48930', async () => {
    const { port } = await serve(createStore());
    const untouched = await captureHello('a.testXevil', Buffer.from('a.testXevil'));
    const hostile = await captureHello('a.testXevil', Buffer.from('a.test\0evil'));
    expect([...(await answerTo(port, untouched)).subarray(0, 7)]).toEqual([21, 3, 3, 0, 2, 2, 112]);
    expect((await answerTo(port, hostile))[0]).toBe(21);
    expect(await serialSeen({ port, servername: 'a.test' })).toBe(serialOf(first));
  });

  it.each([
    ['control characters', Buffer.from('\r\n\t\x7f\x01\x02')],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0])],
    ['dots', Buffer.from('......')],
  ])('refuses %s and serves on', async (_what, bytes) => {
    const { port } = await serve(createStore());
    expect((await answerTo(port, await captureHello('x.test', bytes)))[0]).toBe(21);
    expect(await serialSeen({ port, servername: 'a.test' })).toBe(serialOf(first));
  });

  it('accepts the longest name that TLS carries', async () => {
    const { port } = await serve(createStore());
    expect(await refusal({ port, servername: `${'a'.repeat(250)}.test` })).toBe(
      'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    );
  });

  it('survives a choice that throws, CVE-2026-21637', async () => {
    const { cert, key } = first;
    const broken = await startEchoServer({
      cert,
      key,
      SNICallback: createServerNameCallback((name) => {
        if (name === 'bad.test') throw new Error('broken on purpose');
        return { kind: 'default' };
      }),
    });
    servers.push(broken);
    expect(await refusal({ port: broken.port, servername: 'bad.test' })).toBe('ECONNRESET');
    expect(broken.failures).toEqual(['choosing a certificate failed']);
    expect(await serialSeen({ port: broken.port, servername: 'a.test' })).toBe(serialOf(first));
  });
});

describe('swapping certificates', () => {
  it('leaves open connections alone and serves the new one at once, with and without a name', async () => {
    const store = createStore();
    const { port } = await serve(store);
    const open = await handshake({ port, servername: 'a.test' });
    expect(await echo(open, 'before')).toBe('before');

    store.replace([toMaterial(renewed)]);

    expect(await serialSeen({ port, servername: 'a.test' })).toBe(serialOf(renewed));
    expect(await serialSeen({ port })).toBe(serialOf(renewed));
    expect(await refusal({ port, servername: 'b.test' })).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    expect(await echo(open, 'after')).toBe('after');
    expect(open.getPeerX509Certificate()?.serialNumber).toBe(serialOf(first));
    expect(store.facts.map((facts) => facts.serialNumber)).toEqual([serialOf(renewed)]);
    open.destroy();
  });

  it('keeps the policy after a swap', async () => {
    const store = createStore();
    const { port } = await serve(store);
    store.replace([toMaterial(renewed)]);
    const cbc = {
      port,
      servername: 'a.test',
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES128-SHA',
    } as const;
    expect(await refusal(cbc)).toMatch(/HANDSHAKE_FAILURE/);
  });

  it('changes nothing when the new certificate cannot be used', async () => {
    const store = createStore();
    const { port } = await serve(store);
    const broken = { ...toMaterial(renewed), key: other.key };
    expect(() => store.replace([toMaterial(renewed), broken])).toThrow(/key values mismatch/);
    expect(() => store.replace([broken])).toThrow(/key values mismatch/);
    expect(await serialSeen({ port, servername: 'a.test' })).toBe(serialOf(first));
    expect(await serialSeen({ port })).toBe(serialOf(first));
    expect(await serialSeen({ port, servername: 'b.test' })).toBe(serialOf(other));
  });

  it('fails without attach: a server that is not attached keeps the old default', async () => {
    const store = createStore();
    const server = await startEchoServer(store.createTlsOptions({ http2: false, handshakeTimeout: 5000 }));
    servers.push(server);
    store.replace([toMaterial(renewed)]);
    expect(await serialSeen({ port: server.port })).toBe(serialOf(first));
  });
});

describe('session tickets', () => {
  async function takeSession(options: ConnectionOptions): Promise<Buffer> {
    const socket = connect({ host: '127.0.0.1', rejectUnauthorized: false, ...options });
    const [[session]]: [Buffer[], unknown] = await Promise.all([once(socket, 'session'), exchange(socket)]);
    socket.destroy();
    if (session === undefined) throw new Error('no session was issued');
    return session;
  }

  async function exchange(socket: TLSSocket): Promise<void> {
    await once(socket, 'secureConnect');
    await echo(socket, 'x');
  }

  async function isResumed(options: ConnectionOptions): Promise<boolean> {
    const socket = await handshake(options);
    await echo(socket, 'x');
    const resumed = socket.isSessionReused();
    socket.destroy();
    return resumed;
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes %s across a swap, and not after a rotation of the keys',
    async (version) => {
      const store = createStore();
      const { port } = await serve(store);
      const options = { port, servername: 'a.test', minVersion: version, maxVersion: version };
      const session = await takeSession(options);
      expect(await isResumed({ ...options, session })).toBe(true);
      store.replace([toMaterial(renewed)]);
      expect(await isResumed({ ...options, session })).toBe(true);
      store.rotateTicketKeys(Buffer.alloc(48, 2));
      expect(await isResumed({ ...options, session })).toBe(false);
    },
  );

  it('keeps rotated keys through the next swap', async () => {
    const store = createStore();
    const { port } = await serve(store);
    store.rotateTicketKeys(Buffer.alloc(48, 3));
    const options = { port, servername: 'a.test' };
    const session = await takeSession(options);
    store.replace([toMaterial(renewed)]);
    expect(await isResumed({ ...options, session })).toBe(true);
  });
});
