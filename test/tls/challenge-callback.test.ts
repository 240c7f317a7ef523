import { createSecureContext, type SecureContext } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { CertificateStore, type CertificateStoreOptions } from '../../src/tls/handshake/certificate-store.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { refusal, serialSeen, startEchoServer, type EchoServer } from '../support/tls-peers.ts';
import { toMaterial } from './material.ts';

const name = 'mcp.test';
const validator = { servername: name, ALPNProtocols: ['acme-tls/1'] };
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

const real = await createTestCertificate({ names: [name] });
const challenge = await createTestCertificate({ names: [name] });
const realSerial = toMaterial(real).facts.serialNumber;
const challengeSerial = toMaterial(challenge).facts.serialNumber;

const servers: EchoServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(
  contextFor: (serverName: string) => SecureContext | undefined,
  options: Partial<CertificateStoreOptions> = {},
): Promise<EchoServer> {
  const store = new CertificateStore({
    materials: [toMaterial(real)],
    domains: [],
    unknownName: 'refuse',
    challenges: { contextFor },
    ticketKeys: Buffer.alloc(48, 1),
    ...options,
  });
  const server = await startEchoServer(
    store.createTlsOptions({ http2: true, handshakeTimeout: 5000 }),
    (tls) => store.attach(tls),
  );
  servers.push(server);
  return server;
}

const context = createSecureContext({ cert: challenge.cert, key: challenge.key });
const answering = (serverName: string): SecureContext | undefined =>
  serverName === name ? context : undefined;

describe('the answer to tls-alpn-01', () => {
  it.each(versions)('is for the validator alone, in %s', async (maxVersion) => {
    const { port } = await serve(answering);
    const options = { port, maxVersion, servername: name };
    expect(await serialSeen({ ...options, ALPNProtocols: ['acme-tls/1'] })).toBe(challengeSerial);
    for (const ALPNProtocols of [undefined, ['h2', 'http/1.1'], ['http/1.1'], ['http/1.1', 'acme-tls/1']]) {
      const asked = ALPNProtocols === undefined ? options : { ...options, ALPNProtocols };
      expect(await serialSeen(asked)).toBe(realSerial);
    }
  });

  it('finds the name in any case', async () => {
    const { port } = await serve(answering);
    expect(await serialSeen({ ...validator, port, servername: 'MCP.Test' })).toBe(challengeSerial);
  });

  // In TLS 1.2 OpenSSL wants a certificate before the protocol is chosen; validators speak 1.3.
  it('is there before the first certificate is', async () => {
    const { port } = await serve(answering, { materials: [] });
    expect(await serialSeen({ ...validator, port })).toBe(challengeSerial);
    for (const maxVersion of versions) {
      const client = { port, maxVersion, servername: name, ALPNProtocols: ['http/1.1'] };
      expect(await refusal(client)).not.toContain('accepted');
    }
  });

  it('is refused where nothing is to be proved', async () => {
    const { port } = await serve(() => undefined);
    expect(await refusal({ ...validator, port })).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
  });

  it('crashing-callback (CVE-2026-21637): a lookup that throws costs one handshake', async () => {
    const { port } = await serve(() => {
      throw new Error('broken');
    });
    expect(await refusal({ ...validator, port })).toBe('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    expect(await serialSeen({ port, servername: name })).toBe(realSerial);
  });

  it('does not change the protocols of clients: ours first, foreign ones refused', async () => {
    const { port } = await serve(answering);
    expect(await refusal({ port, servername: name, ALPNProtocols: ['foo'] })).toBe(
      'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    );
  });
});

describe('a name that nobody has', () => {
  it('waits for a certificate that is being obtained', async () => {
    const other = await createTestCertificate({ names: ['new.test'] });
    const asked: string[] = [];
    const store = new CertificateStore({
      materials: [toMaterial(real)],
      domains: [],
      unknownName: 'refuse',
      ticketKeys: Buffer.alloc(48, 1),
      async onUnknownName(unknown) {
        asked.push(unknown);
        await Promise.resolve();
        if (unknown !== 'new.test') return false;
        store.replace([toMaterial(real), toMaterial(other)]);
        return true;
      },
    });
    const server = await startEchoServer(
      store.createTlsOptions({ http2: true, handshakeTimeout: 5000 }),
      (tls) => store.attach(tls),
    );
    servers.push(server);
    const { port } = server;
    expect(await serialSeen({ port, servername: 'new.test' })).toBe(toMaterial(other).facts.serialNumber);
    expect(await serialSeen({ port, servername: 'new.test' })).toBe(toMaterial(other).facts.serialNumber);
    expect(await refusal({ port, servername: 'denied.test' })).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    expect(await serialSeen({ port, servername: name })).toBe(realSerial);
    expect(asked).toEqual(['new.test', 'denied.test']);
  });

  it('may be the first of all', async () => {
    const store: CertificateStore = new CertificateStore({
      materials: [],
      domains: [],
      unknownName: 'refuse',
      ticketKeys: Buffer.alloc(48, 1),
      async onUnknownName() {
        store.replace([toMaterial(real)]);
        return Promise.resolve(true);
      },
    });
    const server = await startEchoServer(
      store.createTlsOptions({ http2: true, handshakeTimeout: 5000 }),
      (tls) => store.attach(tls),
    );
    servers.push(server);
    expect(await serialSeen({ port: server.port, servername: name })).toBe(realSerial);
  });

  it('crashing-callback: a failure while it is obtained costs one handshake', async () => {
    const { port } = await serve(answering, { onUnknownName: () => Promise.reject(new Error('broken')) });
    expect(await refusal({ port, servername: 'new.test' })).not.toContain('accepted');
    expect(await serialSeen({ port, servername: name })).toBe(realSerial);
  });
});
