import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { answerJson, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { handshake, refusal, serialSeen } from '../support/tls-peers.ts';
import { startFront, type Front } from './front.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-tls-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Puts a certificate in place as renewal tools do. */
async function install({ cert, key }: TestCertificate): Promise<{ cert: string; key: string }> {
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  await writeFile(`${files.cert}.new`, cert);
  await writeFile(`${files.key}.new`, key, { mode: 0o600 });
  await rename(`${files.cert}.new`, files.cert);
  await rename(`${files.key}.new`, files.key);
  return files;
}

describe('TLS', () => {
  const request = buildPost(buildCall()).replace('Host: localhost', 'Host: mcp.test');
  const names = ['localhost', 'mcp.test'];

  async function startSecure(): Promise<Front> {
    const tls = await install(await createTestCertificate({ names }));
    return startFront({ answer: answerJson('{}'), config: { domains: names, tls } });
  }

  it.each<[string, ConnectionOptions, RegExp]>([
    ['TLS 1.3', { servername: 'mcp.test' }, /^accepted with TLSv1.3 /],
    [
      'TLS 1.2 with forward secrecy',
      { servername: 'mcp.test', maxVersion: 'TLSv1.2' },
      /^accepted with TLSv1.2 ECDHE-/,
    ],
    ['control: no name at all', {}, /^accepted/],
    ['the hybrid key exchange', { servername: 'mcp.test', ecdhCurve: 'X25519MLKEM768' }, /^accepted/],
    ['another name', { servername: 'evil.test' }, /UNRECOGNIZED_NAME/],
    [
      'TLS 1.1',
      { servername: 'mcp.test', minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      /ALERT_PROTOCOL_VERSION/,
    ],
    [
      'a CBC suite (Lucky 13)',
      { servername: 'mcp.test', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' },
      /HANDSHAKE_FAILURE/,
    ],
    ['a curve outside the policy', { servername: 'mcp.test', ecdhCurve: 'X448' }, /HANDSHAKE_FAILURE/],
    [
      'another protocol by ALPN (ALPACA)',
      { servername: 'mcp.test', ALPNProtocols: ['smtp'] },
      /NO_APPLICATION_PROTOCOL/,
    ],
  ])('%s', async (_name, options, expected) => {
    const { gateway } = await startSecure();
    expect(await refusal({ port: gateway.port, ...options })).toMatch(expected);
    expect(await refusal({ port: gateway.port, servername: 'mcp.test' })).toMatch(/^accepted/);
    expect(gateway.complaints).toBe('');
  });

  it('renegotiation (CVE-2011-1473) is refused', async () => {
    const { gateway } = await startSecure();
    const socket = await handshake({ port: gateway.port, servername: 'mcp.test', maxVersion: 'TLSv1.2' });
    const error = await new Promise((resolve) => {
      socket.on('error', resolve);
      socket.renegotiate({ rejectUnauthorized: false }, (failure) => failure !== null && resolve(failure));
    });
    expect(String(error)).toMatch(/renegotiation/i);
  });

  it('a new certificate is served without a restart, and an open connection goes on', async () => {
    const front = await startSecure();
    const { port } = front.gateway;
    const open = await handshake({ port, servername: 'mcp.test' });
    const before = await serialSeen({ port, servername: 'mcp.test' });
    const next = await createTestCertificate({ names });
    await install(next);
    await expect
      .poll(() => serialSeen({ port, servername: 'mcp.test' }), { timeout: 10_000 })
      .not.toBe(before);
    expect(await serialSeen({ port })).not.toBe(before);
    open.write(request);
    const answer = await new Promise<string>((resolve) =>
      open.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1'))),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    open.destroy();
  });

  it('sessions are resumed', async () => {
    const { gateway } = await startSecure();
    const options = {
      port: gateway.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      servername: 'mcp.test',
    };
    const first = connect(options);
    // Bun's engine sends the ticket along with its first answer.
    first.write(request);
    const session = await new Promise<Buffer>((resolve) => first.once('session', resolve));
    first.destroy();
    const resumed = await handshake({ ...options, session });
    const fresh = await handshake(options);
    expect([resumed.isSessionReused(), fresh.isSessionReused()]).toEqual([true, false]);
    resumed.destroy();
    fresh.destroy();
  });
});

describe('an upstream over TLS', async () => {
  const authority = await createTestCertificate({ names: ['Test Root'], ca: true });
  const expired = { notBefore: Date.now() - 40 * 86_400_000, days: 30 };
  const call = buildPost(buildCall(), { fields: 'Authorization: Bearer secret\r\n' });

  /** The answer to a call whose upstream shows a certificate, and all bytes the upstream was told. */
  async function callThrough(
    certificate: TestCertificate,
    host: string,
  ): Promise<{ status: number; told: string }> {
    const roots = join(directory, 'roots.pem');
    await writeFile(roots, authority.cert);
    vi.stubEnv('NODE_EXTRA_CA_CERTS', roots);
    onTestFinished(() => void vi.unstubAllEnvs());
    const upstream = await startScriptedUpstream(answerJson('{}'), { tls: certificate });
    const routes = [{ path: '/mcp', upstream: `https://${host}:${upstream.port}/mcp` }];
    const { status } = await (await startFront({ upstream, config: { routes } })).ask(call);
    return { status, told: upstream.bytes };
  }

  it.each(['localhost', '127.0.0.1'])(
    'control: as %s is called when its authority is trusted',
    async (host) => {
      const trusted = await createTestCertificate({ issuer: authority });
      const { status, told } = await callThrough(trusted, host);
      expect(status).toBe(200);
      expect(told).toContain('tools/call');
    },
  );

  it.each<[string, () => Promise<TestCertificate>, string]>([
    ['of an authority nobody knows', () => createTestCertificate(), '127.0.0.1'],
    [
      'for another name',
      () => createTestCertificate({ names: ['example.com'], issuer: authority }),
      'localhost',
    ],
    [
      'for another address',
      () => createTestCertificate({ names: ['127.0.0.2'], issuer: authority }),
      '127.0.0.1',
    ],
    ['that has expired', () => createTestCertificate({ issuer: authority, ...expired }), '127.0.0.1'],
  ])('upstream-impostor: a certificate %s gets not one byte of the request', async (_name, create, host) => {
    expect(await callThrough(await create(), host)).toEqual({ status: 502, told: '' });
  });
});

it('the authority of the first start is accepted by curl', async () => {
  const front = await startFront({ answer: answerJson('{}') });
  const ca = join(directory, 'ca.pem');
  await writeFile(ca, front.gateway.ca);
  for (const host of ['localhost', '127.0.0.1']) {
    const args = ['-sS', '--cacert', ca, '-d', buildCall(), '-H', 'Content-Type: application/json'];
    const url = `https://${host}:${front.gateway.port}/mcp`;
    const answer = await new Promise((resolve) =>
      execFile('curl', [...args, url], (_error, out, err) => resolve(out + err)),
    );
    expect(answer).toBe('{}');
  }
});
