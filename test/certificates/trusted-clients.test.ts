import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium as playwright } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toBundleFile } from '../../src/tls/trust/client-bundle.ts';
import { buildClientLines } from '../../src/tls/trust/client-lines.ts';
import { applyTrust } from '../../src/tls/trust/trust.ts';
import { planTrust, planUntrust } from '../../src/tls/trust/trust-plan.ts';
import { loadLocalAuthority } from '../../src/tls/local-ca/local-ca.ts';
import { serverAuthentication } from '../../src/tls/x509/certificate-fields.ts';
import { buildCertificate } from '../../src/tls/x509/x509-builder.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import {
  findChromium,
  findFastmcpPython,
  programsAreMandatory,
  toProgramPath,
  type Program,
} from '../support/programs.ts';
import { createTrustMachine, type TrustMachine } from '../support/trust-machine.ts';

const programLimitMs = 30_000;
/** Variables that would give a client another list than the one under test. */
const listVariables =
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_OPTIONS|NODE_TLS_REJECT_UNAUTHORIZED|NODE_USE_SYSTEM_CA)$/;

function findOnPath(command: string, args: readonly string[]): Program {
  const { error } = spawnSync(command, args, { timeout: programLimitMs });
  return error === undefined
    ? { kind: 'found', path: command }
    : { kind: 'missing', reason: `no ${command} (${error.message})` };
}

const chromium = findChromium();
const certutil = findOnPath('certutil', ['-H']);
const curl = findOnPath('curl', ['--version']);
const python = findFastmcpPython();

function isExcused(...programs: readonly Program[]): boolean {
  return !programsAreMandatory && programs.some(({ kind }) => kind === 'missing');
}

function excuse(...programs: readonly Program[]): string {
  const reasons = programs.map((program) => (program.kind === 'missing' ? program.reason : ''));
  const text = reasons.filter((reason) => reason !== '').join(', ');
  return text === '' ? '' : ` (did not run: ${text})`;
}

let machine: TrustMachine;
let gateway: GatewayProcess;
let url: string;

beforeAll(async () => {
  // Nobody asks for the upstream: the gateway's own health is enough to see its certificate accepted.
  gateway = await startGatewayProcess({ upstreamPort: 1 });
  url = `https://localhost:${gateway.port}/healthz`;
});
afterAll(() => gateway.clean());

/** Opens a page in a new Chromium with the throw-away home directory; its status, or the error of the network. */
async function visit(address: string, flags: readonly string[] = []): Promise<string> {
  const browser = await playwright.launch({
    executablePath: toProgramPath(chromium),
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...flags],
    env: { ...process.env, HOME: machine.home, XDG_DATA_HOME: join(machine.home, '.local/share') },
  });
  try {
    const page = await browser.newPage();
    const response = await page.goto(address);
    return String(response?.status());
  } catch (error) {
    const [code] = /net::\w+/.exec(String(error)) ?? [String(error)];
    return code;
  } finally {
    await browser.close();
  }
}

describe.skipIf(isExcused(chromium, certutil))(`Chromium${excuse(chromium, certutil)}`, () => {
  const warning = 'net::ERR_CERT_AUTHORITY_INVALID';
  beforeEach(async () => {
    machine = await createTrustMachine();
    await machine.install('usr/bin/chromium');
  });
  afterEach(() => machine.clean());

  const change = async (plan: ReturnType<typeof planTrust>): Promise<(string | undefined)[]> =>
    (await applyTrust(await plan)).map(({ status }) => status);

  it('warns before trust, opens the gateway after it, and warns again after untrust', async () => {
    const options = { stateDir: gateway.stateDir, now: Date.now(), platform: machine.platform };
    expect(await visit(url)).toBe(warning);

    expect(await change(planTrust(options))).toEqual(['absent', 'done', 'absent', 'done']);
    expect(await visit(url)).toBe('200');
    expect(await visit(url.replace('localhost', '127.0.0.1'))).toBe('200');

    // Another authority with the very same constraints is not the one that was trusted.
    const stranger = await startGatewayProcess({ upstreamPort: 1 });
    try {
      expect(await visit(`https://localhost:${stranger.port}/healthz`)).toBe(warning);
    } finally {
      await stranger.clean();
    }

    expect(await change(planUntrust(options))).toEqual(['absent', 'done', 'absent', 'done']);
    expect(await visit(url)).toBe(warning);
  });

  it('that never ran before opens the gateway after trust', async () => {
    const options = { stateDir: gateway.stateDir, now: Date.now(), platform: machine.platform };
    expect(await change(planTrust(options))).toEqual(['absent', 'done', 'absent', 'done']);
    expect(await visit(url)).toBe('200');
    expect(await change(planUntrust(options))).toEqual(['absent', 'done', 'absent', 'done']);
    expect(await visit(url)).toBe(warning);
  });

  it('refuses what a thief of the trusted authority signs for a site of the internet', async () => {
    const options = { stateDir: gateway.stateDir, now: Date.now(), platform: machine.platform };
    await applyTrust(await planTrust(options));
    const bank = await startThief(['bank.example.com']);
    // Control: the same thief signs for a local name, and only the name makes the difference.
    const local = await startThief(['thief.test']);
    try {
      const rules = ['--host-resolver-rules=MAP bank.example.com 127.0.0.1, MAP thief.test 127.0.0.1'];
      expect(await visit(`https://thief.test:${local.port}/`, rules)).toBe('200');
      expect(await visit(`https://bank.example.com:${bank.port}/`, rules)).toMatch(/^net::ERR_CERT_/);
    } finally {
      bank.close();
      local.close();
      await applyTrust(await planUntrust(options));
    }
  });
});

/** A server with a certificate that the gateway's authority signed without the gateway's consent. */
async function startThief(names: readonly string[]): Promise<{ readonly port: number; close(): void }> {
  const authority = await loadLocalAuthority({ stateDir: gateway.stateDir, now: Date.now() });
  const { cert: own, key } = await createTestCertificate();
  const cert = await buildCertificate({
    serialNumber: Buffer.from([0x41, 2, 3]),
    issuer: authority.name,
    subject: { commonName: names[0] ?? '' },
    notBefore: Date.now() - 3_600_000,
    notAfter: Date.now() + 3_600_000,
    publicKey: new X509Certificate(own).publicKey,
    signingKey: createPrivateKey(await readFile(join(authority.directory, 'ca-key.pem'))),
    basicConstraints: { ca: false },
    extendedKeyUsage: [serverAuthentication],
    subjectAlternativeName: names,
  });
  const server = createServer({ cert, key }, (_request, response) => void response.end('reached'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The server listens on TCP, so its address is not the path of a Unix socket.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

interface Client {
  readonly name: string;
  readonly variable: string;
  readonly program: Program;
  /** What it runs, with the address as its last argument. */
  readonly args: readonly string[];
  readonly success: string;
  /** What it says about a certificate that it does not trust. */
  readonly complaint: RegExp;
}

const nodeScript = `fetch(process.argv[1]).then(
  ({ status }) => console.log(status),
  ({ cause }) => { console.error(cause.code); process.exitCode = 1; },
)`;
// FastMCP 4 brings httpx under its new name.
const pythonScript = `
import sys
try:
    import httpx
except ImportError:
    import httpx2 as httpx
print(httpx.get(sys.argv[1]).status_code)
`;

const clients: readonly Client[] = [
  {
    name: 'fetch of Node',
    variable: 'NODE_EXTRA_CA_CERTS',
    program: { kind: 'found', path: process.execPath },
    args: ['-e', nodeScript],
    success: '200\n',
    complaint: /UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
  },
  {
    name: 'httpx of Python',
    variable: 'SSL_CERT_FILE',
    program: python,
    args: ['-c', pythonScript],
    success: '200\n',
    complaint: /CERTIFICATE_VERIFY_FAILED/,
  },
  {
    name: 'curl',
    variable: 'CURL_CA_BUNDLE',
    program: curl,
    args: ['--silent', '--show-error', '--output', '/dev/null', '--write-out', String.raw`%{http_code}\n`],
    success: '200\n',
    complaint: /unable to get local issuer certificate/,
  },
];

/** Runs a client in a shell, after the line that was printed for it. */
function runClient(
  { program, args }: Client,
  line: string,
): { readonly stdout: string; readonly stderr: string } {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !listVariables.test(name)));
  const script = `${line}\nexec "$@"`;
  return spawnSync('bash', ['-c', script, 'bash', toProgramPath(program), ...args, url], {
    encoding: 'utf8',
    timeout: programLimitMs,
    env: { ...env, HOME: machine.home },
  });
}

describe('a program with a list of its own', () => {
  let lines: ReturnType<typeof buildClientLines>;
  beforeAll(async () => {
    machine = await createTrustMachine();
    const options = { stateDir: gateway.stateDir, now: Date.now(), platform: machine.platform };
    const plan = await planTrust(options);
    await applyTrust(plan);
    if (plan.authority === undefined) throw new Error('there is no authority');
    const files = { authorityFile: plan.authority.file, bundleFile: toBundleFile(plan.authority) };
    lines = buildClientLines(files, 'posix');
  });
  afterAll(() => machine.clean());

  describe.each(clients)('$name', (client) => {
    it.skipIf(isExcused(client.program))(
      `reaches the gateway with its printed line${excuse(client.program)}`,
      () => {
        const line = lines.find(({ variable }) => variable === client.variable)?.line ?? 'no line';
        expect(runClient(client, line)).toMatchObject({ stdout: client.success, stderr: '' });
      },
    );

    it.skipIf(isExcused(client.program))(`refuses the gateway without it${excuse(client.program)}`, () => {
      const { stdout, stderr } = runClient(client, '');
      expect(stderr).toMatch(client.complaint);
      expect(stdout).not.toContain('200');
    });
  });
});
