import { connect as connectTcp } from 'node:net';
import { once } from 'node:events';
import { getCiphers, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateStore } from '../../src/tls/handshake/certificate-store.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { handshake, refusal, startEchoServer, type EchoServer } from '../support/tls-peers.ts';
import { toMaterial } from './material.ts';

const rsa = await createTestCertificate({ keyType: 'rsa', names: ['rsa.test'] });
const ec = await createTestCertificate({ names: ['ec.test'] });
const store = new CertificateStore({
  materials: [toMaterial(ec), toMaterial(rsa)],
  domains: [],
  unknownName: 'refuse',
  ticketKeys: Buffer.alloc(48, 7),
});
let gateway: EchoServer;
/** The same certificates under Node's defaults: what each guard here must make a difference to. */
let control: EchoServer;

beforeAll(async () => {
  gateway = await startEchoServer(store.createTlsOptions({ http2: true, handshakeTimeout: 100 }), (server) =>
    store.attach(server),
  );
  control = await startEchoServer({
    cert: ec.cert,
    key: ec.key,
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });
});

afterAll(async () => {
  await gateway.close();
  await control.close();
});

/** A client that offers so much that only the server can be the one to refuse. */
const permissive: ConnectionOptions = {
  servername: 'ec.test',
  ciphers: 'DEFAULT:@SECLEVEL=0',
  minVersion: 'TLSv1',
};

async function acceptedSuites(options: ConnectionOptions): Promise<string[]> {
  const accepted: string[] = [];
  for (const name of getCiphers().map((cipher) => cipher.toUpperCase())) {
    // Names of TLS 1.3 suites do not limit a TLS 1.2 offer, and the other way round.
    const modern = name.startsWith('TLS_');
    if (modern !== (options.minVersion === 'TLSv1.3')) continue;
    const ciphers = modern ? name : `${name}:@SECLEVEL=0`;
    for (const servername of ['ec.test', 'rsa.test']) {
      const answer = await refusal({
        ...options,
        servername,
        ciphers,
        port: gateway.port,
      });
      if (answer.startsWith('accepted')) accepted.push(name);
    }
  }
  return [...new Set(accepted)].toSorted();
}

describe('protocol versions', () => {
  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s, downgrade to a broken version', async (version) => {
    const options = { ...permissive, minVersion: version, maxVersion: version };
    expect(await refusal({ ...options, port: control.port })).toContain(`accepted with ${version}`);
    expect(await refusal({ ...options, port: gateway.port })).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });
});

describe('cipher suites', () => {
  it('accepts exactly the six TLS 1.2 suites of the intermediate profile, on every certificate', async () => {
    expect(await acceptedSuites({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })).toEqual([
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-CHACHA20-POLY1305',
    ]);
  });

  it('accepts exactly the three TLS 1.3 suites', async () => {
    expect(await acceptedSuites({ minVersion: 'TLSv1.3' })).toEqual([
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
    ]);
  });

  it('refuses CBC suites, Lucky 13', async () => {
    const options: ConnectionOptions = {
      servername: 'ec.test',
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256',
    };
    expect(await refusal({ ...options, port: control.port })).toContain('accepted');
    expect(await refusal({ ...options, port: gateway.port })).toMatch(/HANDSHAKE_FAILURE/);
  });

  it('lets the client choose the order', async () => {
    const suites = ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-ECDSA-AES256-GCM-SHA384'];
    for (const ciphers of [suites, suites.toReversed()]) {
      const socket = await handshake({
        servername: 'ec.test',
        port: gateway.port,
        maxVersion: 'TLSv1.2',
        ciphers: ciphers.join(':'),
      });
      expect(socket.getCipher().name).toBe(ciphers[0]);
      socket.destroy();
    }
  });
});

describe('key exchange', () => {
  it.each([
    [undefined, 'X25519MLKEM768'],
    ['X25519', 'X25519'],
    ['prime256v1', 'prime256v1'],
    ['secp384r1', 'secp384r1'],
  ])('negotiates, offered %s, %s', async (ecdhCurve, group) => {
    const socket = await handshake({
      servername: 'ec.test',
      port: gateway.port,
      ...(ecdhCurve === undefined ? {} : { ecdhCurve }),
    });
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: group });
    socket.destroy();
  });

  it('refuses groups outside the profile', async () => {
    const options = { servername: 'ec.test', ecdhCurve: 'secp521r1' };
    expect(await refusal({ ...options, port: control.port })).toContain('accepted');
    expect(await refusal({ ...options, port: gateway.port })).toMatch(/HANDSHAKE_FAILURE/);
  });
});

describe('connections', () => {
  it('refuses renegotiation, CVE-2011-1473', async () => {
    const outcome = async (port: number): Promise<string> => {
      const socket = await handshake({ servername: 'ec.test', port, maxVersion: 'TLSv1.2' });
      const refused = new Promise<string>((resolve) => {
        socket.on('error', (error) => resolve(error.message));
        socket.renegotiate({}, (error) => resolve(error === null ? 'renegotiated' : error.message));
      });
      const answer = await refused;
      socket.destroy();
      return answer;
    };
    expect(await outcome(control.port)).toBe('renegotiated');
    expect(await outcome(gateway.port)).toContain('no renegotiation');
  });

  it('cuts a client that never begins its handshake', async () => {
    const socket = connectTcp(gateway.port, '127.0.0.1');
    socket.resume();
    await once(socket, 'close');
    expect(gateway.failures).toContain('TLS handshake timeout');
  });
});

describe('application protocols', () => {
  it('prefers h2 and knows http/1.1', async () => {
    for (const [offer, chosen] of [
      [['http/1.1', 'h2'], 'h2'],
      [['http/1.1'], 'http/1.1'],
    ] as const) {
      const socket = await handshake({
        servername: 'ec.test',
        port: gateway.port,
        ALPNProtocols: [...offer],
      });
      expect(socket.alpnProtocol).toBe(chosen);
      socket.destroy();
    }
  });

  it('offers only http/1.1 when h2 is off', async () => {
    const options = store.createTlsOptions({ http2: false, handshakeTimeout: 1000 });
    const plain = await startEchoServer(options);
    const socket = await handshake({
      servername: 'ec.test',
      port: plain.port,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
    expect(await refusal({ servername: 'ec.test', port: plain.port, ALPNProtocols: ['h2'] })).toMatch(
      /NO_APPLICATION_PROTOCOL/,
    );
    await plain.close();
  });

  it('refuses clients of other protocols, ALPACA', async () => {
    const options = { servername: 'ec.test', ALPNProtocols: ['smtp'] };
    expect(await refusal({ ...options, port: control.port })).toContain('accepted');
    expect(await refusal({ ...options, port: gateway.port })).toMatch(/NO_APPLICATION_PROTOCOL/);
  });
});

describe('the modern policy', () => {
  let modern: EchoServer;

  beforeAll(async () => {
    const strict = new CertificateStore({
      materials: [toMaterial(ec), toMaterial(rsa)],
      domains: [],
      unknownName: 'refuse',
      policy: 'modern',
      ticketKeys: Buffer.alloc(48, 7),
    });
    modern = await startEchoServer(
      strict.createTlsOptions({ http2: true, handshakeTimeout: 1000 }),
      (server) => strict.attach(server),
    );
  });
  afterAll(() => modern.close());

  it.each(['ec.test', 'rsa.test', '127.0.0.1'])('is TLS 1.3 alone for %s', async (name) => {
    const servername = name === '127.0.0.1' ? '' : name;
    const options = { ...permissive, servername, maxVersion: 'TLSv1.2' } as const;
    expect(await refusal({ ...options, port: gateway.port })).toContain('accepted with TLSv1.2');
    expect(await refusal({ ...options, port: modern.port })).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    expect(await refusal({ servername, port: modern.port })).toContain('accepted with TLSv1.3');
  });

  it('negotiates X25519MLKEM768', async () => {
    const socket = await handshake({ servername: 'rsa.test', port: modern.port });
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: 'X25519MLKEM768' });
    socket.destroy();
  });
});
