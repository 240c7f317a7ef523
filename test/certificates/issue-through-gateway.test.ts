import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { requestRenewal } from '../../src/tls/automation/renewal-requests.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { buildGatewayCommand, buildGatewayEnvironment, isExecutable } from '../support/gateway-program.ts';
import { connectFastmcp } from '../support/interop-fastmcp-client.ts';
import type { ConnectTarget } from '../support/interop-client.ts';
import { connectMcpRemote } from '../support/interop-mcp-remote.ts';
import { startPebble, type Pebble } from '../support/pebble.ts';
import {
  findFastmcpPython,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type ServerProgram,
} from '../support/programs.ts';
import { handshake, refusal, serialSeen } from '../support/tls-peers.ts';
import { until } from '../support/until.ts';

const name = 'mcp.example.com';
const address = '127.0.0.1';
const ISSUE_MILLISECONDS = 30_000;

let pebble: Pebble;
let upstream: ServerProgram;

beforeAll(async () => {
  pebble = await startPebble();
  upstream = await startServerProgram((port) => ({
    command: toProgramPath(findFastmcpPython()),
    args: [toCheckoutPath('examples/echo-server/server.py'), String(port)],
  }));
});
afterAll(async () => {
  await upstream.stop();
  await pebble.stop();
});

interface Issuing {
  readonly authority?: Pebble;
  readonly domains?: readonly string[];
  readonly challenges?: readonly string[];
  /** Further settings of `tls.acme`. */
  readonly acme?: Readonly<Record<string, unknown>>;
  readonly stateDir?: string;
}

/** The gateway on the ports where the authority looks. */
async function startGateway({
  authority = pebble,
  domains = [name],
  challenges,
  acme,
  stateDir,
}: Issuing = {}): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({
    upstreamPort: upstream.port,
    ...(stateDir === undefined ? {} : { stateDir }),
    config: {
      listen: `127.0.0.1:${authority.tlsPort}`,
      plain_http: `127.0.0.1:${authority.httpPort}`,
      domains,
      tls: {
        acme: {
          directory: authority.directory,
          ca: authority.rootFile,
          accept_terms: true,
          ...(challenges === undefined ? {} : { challenges }),
          ...acme,
        },
      },
      log: { level: 'debug', format: 'json', access: 'off' },
    },
  });
  onTestFinished(async () => {
    await gateway.stop();
    await gateway.clean();
  });
  return gateway;
}

/** Messages of its log so far. */
function messages(gateway: GatewayProcess): readonly string[] {
  return gateway.complaints
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { msg: string }).msg); // Each line is a record.
}

/** Resolves with the milliseconds until that many certificates were issued. */
async function issued(gateway: GatewayProcess, count = 1): Promise<number> {
  const waited = await until(
    () => messages(gateway).filter((text) => text.includes('issued a certificate')).length >= count,
    ISSUE_MILLISECONDS,
  );
  if (waited >= ISSUE_MILLISECONDS) throw new Error(`no certificate came: ${gateway.complaints}`);
  return waited;
}

interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runCommand(args: readonly string[]): Promise<CommandResult> {
  const { command, args: all } = buildGatewayCommand(args);
  return new Promise((resolve) => {
    const child = execFile(command, all, { env: buildGatewayEnvironment() }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

describe('a gateway that obtains its certificate', () => {
  it.each(isExecutable ? ['http-01'] : ['http-01', 'tls-alpn-01'])(
    'by %s on its own port serves it at once',
    async (challenge) => {
      const gateway = await startGateway({ challenges: [challenge] });
      expect(await refusal({ port: gateway.port, servername: name })).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
      expect(await issued(gateway)).toBeLessThan(ISSUE_MILLISECONDS);
      const socket = await handshake({
        port: gateway.port,
        servername: name,
        ca: await pebble.issuedRoot(),
        rejectUnauthorized: true,
      });
      expect(socket.authorized).toBe(true);
      socket.destroy();
      expect(await refusal({ port: gateway.port, servername: 'other.example.com' })).toBe(
        'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
      );
    },
  );

  it.runIf(isExecutable)('on Bun without `http-01` says what would be possible', async () => {
    const gateway = await startGateway({ challenges: ['tls-alpn-01'] });
    await until(() => messages(gateway).some((text) => text.includes('possible here: nothing')), 10_000);
    expect(messages(gateway).at(-1)).toContain('possible here: nothing');
  });

  // Bun cannot tell the validator from clients in time, so there is nothing to show.
  it.skipIf(isExecutable)(
    'shows the challenge certificate to the validator alone: 1,000 handshakes during tls-alpn-01 get the real one',
    async () => {
      // It takes its time before it looks, so that there is a while in which the challenge stands.
      const authority = await startPebble({ validationSeconds: 8 });
      onTestFinished(() => authority.stop());
      const gateway = await startGateway({ authority, challenges: ['tls-alpn-01'] });
      await issued(gateway);
      const { port } = gateway;
      let handshakes = 0;
      let during = 0;
      // More than four certificates a week for one name is beyond the limits that the gateway keeps.
      for (let round = 1; round <= 3 && during < 1000; round++) {
        const before = (await serialSeen({ port, servername: name })) ?? '';
        await requestRenewal(gateway.stateDir, name);
        const seen = new Set<string>();
        while (messages(gateway).filter((text) => text.includes('issued a certificate')).length <= round) {
          // A validator's own handshake tells whether the challenge stands just now.
          const probe = await refusal({ port, servername: name, ALPNProtocols: ['acme-tls/1'] });
          const batch = await Promise.all(
            Array.from({ length: 20 }, (_, index) =>
              serialSeen({ port, servername: name, maxVersion: index % 4 === 0 ? 'TLSv1.2' : 'TLSv1.3' }),
            ),
          );
          handshakes += batch.length;
          if (probe.startsWith('accepted')) during += batch.length;
          for (const serial of batch) seen.add(serial ?? 'none');
        }
        const after = (await serialSeen({ port, servername: name })) ?? '';
        expect(after).not.toBe(before);
        expect([...seen].filter((serial) => serial !== before && serial !== after)).toEqual([]);
      }
      console.log(`handshakes: ${handshakes}, of them while the challenge stood: ${during}`);
      expect(during).toBeGreaterThanOrEqual(1000);
    },
  );

  it.each([
    [
      'the FastMCP client',
      (target: ConnectTarget) => connectFastmcp(toProgramPath(findFastmcpPython()), target, 'auto'),
    ],
    ['mcp-remote', (target: ConnectTarget) => connectMcpRemote(target, 'legacy')],
  ])('serves %s with nothing but the root of the authority trusted', async (_, connect) => {
    const gateway = await startGateway({ domains: [address] });
    await issued(gateway);
    const ca = await pebble.issuedRoot();
    const caFile = join(gateway.stateDir, 'root.pem');
    await writeFile(caFile, ca);
    const url = new URL(`https://${address}:${gateway.port}/mcp`);
    const client = await connect({ url, protocol: 'h1', transport: 'streamable-http', ca, caFile });
    onTestFinished(() => client.close());
    const outcome = await client.call({ name: 'echo', arguments: { message: 'hi' } });
    expect(outcome.text).toContain('Just echo: hi');
  });

  it('is renewed by `certs renew`, which tells the steps, up to the limit of one week', async () => {
    const gateway = await startGateway();
    await issued(gateway);
    const { port, stateDir } = gateway;
    const certs = async (...args: readonly string[]): Promise<CommandResult> =>
      runCommand(['certs', ...args, '--state-dir', stateDir]);

    const before = await serialSeen({ port, servername: name });
    const renewed = await certs('renew', name);
    expect(renewed).toMatchObject({ code: 0, stdout: '' });
    expect(renewed.stderr).toMatch(/mcp\.example\.com: issued \(\d+\.\d s\)/);
    const after = await serialSeen({ port, servername: name });
    expect(after).not.toBe(before);

    const listed = JSON.parse((await certs('list', '--json')).stdout) as unknown;
    expect(listed).toMatchObject({
      schema: 'breakwater.certs-list/1',
      certificates: [{ name, state: 'valid', origin: 'acme' }],
    });
    expect((await certs('show', name)).stdout).toContain(after ?? 'no serial');

    for (let round = 0; round < 2; round++) expect((await certs('renew', name)).code).toBe(0);
    const refused = await certs('renew', name);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('E_ACME_LIMIT');

    await gateway.stop();
    const late = await certs('renew', name);
    expect(late.code).toBe(4);
    expect(late.stderr).toContain('E_CERT_NO_GATEWAY');
  });

  it('serves a stored certificate after a restart, with no authority in reach', async () => {
    const gateway = await startGateway({ domains: [name] });
    await issued(gateway);
    const serial = await serialSeen({ port: gateway.port, servername: name });
    await gateway.stop();
    const again = await startGateway({
      domains: [name],
      authority: { ...pebble, directory: 'https://localhost:9/dir' },
      stateDir: gateway.stateDir,
    });
    expect(await serialSeen({ port: again.port, servername: name })).toBe(serial);
    expect(messages(again).filter((text) => text.includes('no new certificate'))).toEqual([]);
  });
});

describe('a certificate on demand', () => {
  it('is obtained for a name that the service allows while its client waits, and for no other', async () => {
    const allowed = 'tenant.example.com';
    const asked: (string | null)[] = [];
    const service = createServer((request, response) => {
      const domain = new URL(request.url ?? '', 'http://localhost').searchParams.get('domain');
      asked.push(domain);
      response.writeHead(domain === allowed ? 200 : 404).end();
    }).listen(0, '127.0.0.1');
    await once(service, 'listening');
    onTestFinished(() => void service.close());
    // The server listens on TCP, so its address is not the path of a Unix socket.
    const { port: servicePort } = service.address() as AddressInfo;
    const gateway = await startGateway({
      domains: [],
      acme: { on_demand: { ask: `http://127.0.0.1:${servicePort}/allowed`, per_hour: 5 } },
    });
    const { port } = gateway;
    const ca = await pebble.issuedRoot();
    const client = { port, servername: allowed, ca, rejectUnauthorized: true };
    expect(await serialSeen(client)).toBeDefined();
    expect(await refusal({ port, servername: 'stranger.example.com' })).toBe(
      'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    );
    expect(await refusal({ port, servername: 'stranger.example.com' })).toBe(
      'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    );
    expect(new Set(asked)).toEqual(new Set([allowed, 'stranger.example.com']));
    expect(asked).toHaveLength(2);

    const statusFor = async (host: string): Promise<string> => {
      const socket = await handshake(client);
      socket.write(`POST /mcp HTTP/1.1\r\nHost: ${host}:${port}\r\nContent-Length: 2\r\n\r\n{}`);
      const [bytes]: Buffer[] = await once(socket, 'data');
      socket.destroy();
      return bytes?.toString('latin1').split(' ')[1] ?? '';
    };
    // The guard lets the name through, and the message is judged: it is none.
    expect(await statusFor(allowed)).toBe('400');
    expect(await statusFor('stranger.example.com')).toBe('421');
  });
});
