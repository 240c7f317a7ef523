import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { expect } from 'vitest';
import { createTestCertificate } from '../../support/certificates.ts';
import { buildKeys } from '../../support/keys.ts';
import { buildCall } from '../../support/messages.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { countSockets } from '../../support/process-meter.ts';
import { buildPost } from '../../support/raw-client.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';
import { exchange, type AdvisoryCase, type AdvisoryRig } from './advisory-case.ts';

const ROUNDS = 20;
/** Names a callback might choke on. */
const names = [
  'evil.example',
  'a..b',
  '-',
  'xn--',
  `${'a'.repeat(63)}.${'b'.repeat(63)}`,
  'constructor',
  '__proto__',
  '*.localhost',
  'localhost:443',
];

/** Cases of TLS, and of keys. */
export function buildTlsCases(): readonly AdvisoryCase[] {
  const shake = (cve: string, name: string, options: ConnectionOptions): AdvisoryCase => ({
    cve,
    name,
    run: (rig) => expectSockets(rig, () => handshake(rig, options)),
  });
  return [
    shake('CVE-2026-21637', 'an unknown protocol by ALPN', { ALPNProtocols: ['foo'] }),
    shake('CVE-2026-21637', 'a long list of protocols by ALPN', {
      ALPNProtocols: Array.from({ length: 100 }, (_, index) => `p${index}`),
    }),
    shake('CVE-2026-21637', 'no name and no protocol', { servername: '' }),
    ...names.map((servername) =>
      shake('CVE-2026-21637', `the name ${servername.slice(0, 20)}`, { servername }),
    ),
    { cve: 'CVE-2025-59464', name: 'client certificates', run: expectClientCertificates },
    ...[
      ['CVE-2026-48618', 'localhost.'],
      ['CVE-2026-48928', 'LOCALHOST'],
      ['CVE-2026-48928', 'LocalHost.'],
    ].map(([cve = '', servername = '']) => ({
      cve,
      name: `the name ${servername} is ours`,
      run: async (rig: AdvisoryRig): Promise<void> => {
        expect(await handshake(rig, { servername, checkServerIdentity: () => undefined })).toBe('secure');
      },
    })),
    {
      cve: 'CVE-2026-48930',
      name: 'a name with NUL is not ours',
      run: (rig) => expectSockets(rig, () => sendNameWithNul(rig)),
    },
    {
      cve: 'CVE-2026-48934',
      name: 'an upstream that resumes a session under another name',
      run: expectNoStrangerResumed,
    },
    { cve: 'CVE-2026-21713', name: 'keys of all lengths', run: expectKeysOfAllLengths },
  ];
}

async function handshake({ gateway }: AdvisoryRig, options: ConnectionOptions): Promise<'secure' | 'ended'> {
  const socket = connect({
    host: '127.0.0.1',
    port: gateway.port,
    ca: gateway.ca,
    servername: 'localhost',
    rejectUnauthorized: false,
    ...options,
  });
  try {
    return await toFate(socket);
  } finally {
    socket.destroy();
  }
}

function toFate(socket: TLSSocket): Promise<'secure' | 'ended'> {
  return new Promise((resolve) => {
    socket.on('secureConnect', () => resolve('secure'));
    socket.on('error', () => resolve('ended'));
    socket.on('close', () => resolve('ended'));
  });
}

/** Whatever becomes of the handshakes, their sockets go. */
async function expectSockets(rig: AdvisoryRig, attack: () => Promise<unknown>): Promise<void> {
  const { pid } = rig.gateway;
  await attack();
  const before = countSockets(pid);
  for (let round = 0; round < ROUNDS; round++) await attack();
  await expect.poll(() => countSockets(pid), { timeout: 12_000 }).toBeLessThanOrEqual(before);
}

async function expectClientCertificates(rig: AdvisoryRig): Promise<void> {
  const { cert, key } = await createTestCertificate({ names: ['client'] });
  await expectSockets(rig, () => handshake(rig, { cert, key }));
}

/** Sends a ClientHello whose server name has a NUL in place of its dot; a C string would end there. */
async function sendNameWithNul(rig: AdvisoryRig): Promise<void> {
  const hello = await captureHello('localhost.evil');
  const at = hello.indexOf('localhost.evil');
  expect(at).toBeGreaterThan(0);
  hello[at + 'localhost'.length] = 0;
  const socket: Socket = connectTcp(rig.gateway.port, '127.0.0.1');
  let received = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => (received = Buffer.concat([received, bytes])));
  socket.on('error', () => socket.destroy());
  socket.write(hello);
  await once(socket, 'close');
  // An alert (21) is all right, a ServerHello (22) is not.
  expect(received[0] ?? 21).toBe(21);
}

function captureHello(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {
        // Nothing ever comes back.
      },
      write(bytes: Buffer, _encoding, done) {
        done();
        resolve(Buffer.from(bytes));
      },
    });
    connect({ socket: wire, servername }).on('error', () => undefined);
  });
}

/** A session of a trusted upstream must not vouch for a stranger that holds the same ticket keys. */
async function expectNoStrangerResumed(): Promise<void> {
  const authority = await createTestCertificate({ names: ['Test Root'], ca: true });
  const trusted = await createTestCertificate({ names: ['localhost', '127.0.0.1'], issuer: authority });
  const stranger = await createTestCertificate({ names: ['evil.example'], issuer: authority });
  const ticketKeys = Buffer.alloc(48, 7);
  const first = await startScriptedUpstream(answerJson('{}'), { tls: { ...trusted, ticketKeys } });
  const { port } = first;
  const route = { path: '/mcp', upstream: `https://127.0.0.1:${port}/mcp` };
  await using gateway = await startTrusting(authority.cert, {
    upstreamPort: port,
    config: { routes: [route] },
  });
  const ask = async (): Promise<number | undefined> => {
    const rig = { gateway: gateway.process, upstream: first, answer: answerJson('{}') };
    return (await exchange(rig, buildPost(buildCall()))).answers[0]?.status;
  };
  expect(await ask()).toBe(200);
  await first.stop();
  const second = await startScriptedUpstream(answerJson('{}'), { tls: { ...stranger, ticketKeys }, port });
  expect(await ask()).toBe(502);
  expect(second.requests).toHaveLength(0);
  await second.stop();
}

async function startTrusting(
  authority: string,
  options: Parameters<typeof startGatewayProcess>[0],
): Promise<AsyncDisposable & { readonly process: Awaited<ReturnType<typeof startGatewayProcess>> }> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-authority-'));
  const file = join(directory, 'ca.pem');
  await writeFile(file, authority);
  const before = process.env['NODE_EXTRA_CA_CERTS'];
  process.env['NODE_EXTRA_CA_CERTS'] = file;
  const started = await startGatewayProcess(options);
  if (before === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
  else process.env['NODE_EXTRA_CA_CERTS'] = before;
  return {
    process: started,
    async [Symbol.asyncDispose]() {
      await started.clean();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A comparison in constant time throws when lengths differ, and one that stops early tells how much was right. */
async function expectKeysOfAllLengths({ upstream }: AdvisoryRig): Promise<void> {
  const { key, sha256 } = buildKeys('laptop');
  const route = {
    path: '/mcp',
    upstream: `http://127.0.0.1:${upstream.port}/mcp`,
    auth: { keys: [{ name: 'laptop', sha256 }] },
  };
  const gateway = await startGatewayProcess({ upstreamPort: upstream.port, config: { routes: [route] } });
  try {
    const rig = { gateway, upstream, answer: answerJson('{}') };
    const ask = async (token: string): Promise<number | undefined> =>
      (await exchange(rig, buildPost(buildCall(), { fields: `Authorization: Bearer ${token}\r\n` })))
        .answers[0]?.status;
    expect(await ask(key)).toBe(200);
    for (const length of [1, 31, 32, 33, 63, 64, 65, 511, 512, 513, 8000])
      expect(await ask('x'.repeat(length))).toBe(401);
    for (let length = 1; length < key.length; length += 7) expect(await ask(key.slice(0, length))).toBe(401);
    expect(await ask(`${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`)).toBe(401);
    expect(gateway.complaints).toBe('');
  } finally {
    await gateway.clean();
  }
}
