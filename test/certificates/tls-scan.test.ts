import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificate, type TestCertificate } from '../support/certificates.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { programsAreMandatory, toProgramPath } from '../support/programs.ts';
import {
  runSslscan,
  runTestssl,
  sslscan,
  testssl,
  type AcceptedSuites,
  type Finding,
  type ScanTarget,
} from '../support/tls-scanners.ts';
import { handshake } from '../support/tls-peers.ts';

const isFull = process.env['BREAKWATER_FULL'] === '1';
const isExcused = !programsAreMandatory && [testssl, sslscan].some(({ kind }) => kind === 'missing');
const name = 'mcp.example.com';
/** Protocols, standard ciphers, forward secrecy, server defaults, headers, vulnerabilities; everything in a full run. */
const sections = isFull ? [] : ['-p', '-s', '-f', '-S', '-h', '-U'];
const modernSuites = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** Findings that are not ours, each with its reason. What is not listed here fails the test. */
const excused: Readonly<Record<string, string>> = {
  engine_problem: 'the scanner misses a GOST engine in its own OpenSSL',
  cert_revocation:
    'the certificate of the test names no revocation list; that is up to the authority that issues it',
  sessionresumption_ticket:
    'the scanner fails to resume with its own client; swap.test.ts resumes thousands of sessions',
  cipher_order:
    'wanted: of suites that are all good the client takes the one that its hardware does fast (Mozilla 6.0)',
  DNS_CAArecord: 'the name of the test has no DNS',
};

interface Case {
  readonly label: string;
  readonly policy: 'intermediate' | 'modern';
  readonly keyType: 'ec' | 'rsa';
  readonly protocols: readonly string[];
  readonly suites: readonly string[];
}

const cases: readonly Case[] = [
  {
    label: 'intermediate with an ECDSA certificate',
    policy: 'intermediate',
    keyType: 'ec',
    protocols: ['1.2', '1.3'],
    suites: [
      'ECDHE-ECDSA-AES128-GCM-SHA256',
      'ECDHE-ECDSA-AES256-GCM-SHA384',
      'ECDHE-ECDSA-CHACHA20-POLY1305',
      ...modernSuites,
    ],
  },
  {
    label: 'intermediate with an RSA certificate',
    policy: 'intermediate',
    keyType: 'rsa',
    protocols: ['1.2', '1.3'],
    suites: [
      'ECDHE-RSA-AES128-GCM-SHA256',
      'ECDHE-RSA-AES256-GCM-SHA384',
      'ECDHE-RSA-CHACHA20-POLY1305',
      ...modernSuites,
    ],
  },
  { label: 'modern', policy: 'modern', keyType: 'ec', protocols: ['1.3'], suites: modernSuites },
];

let directory: string;
let authority: TestCertificate;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-scan-'));
  authority = await createTestCertificate({ names: ['Scan Root'], ca: true, days: 900 });
  await writeFile(join(directory, 'ca.pem'), authority.cert);
});
afterAll(() => rm(directory, { recursive: true }));

interface Scan {
  readonly port: number;
  readonly findings: readonly Finding[];
  readonly accepted: AcceptedSuites;
}

async function scan(target: ScanTarget, only = sections): Promise<Omit<Scan, 'port'>> {
  const [findings, accepted] = await Promise.all([
    runTestssl(toProgramPath(testssl), target, only),
    runSslscan(toProgramPath(sslscan), target),
  ]);
  return { findings, accepted };
}

/** A low one too: TLS 1.0 is no more than that to testssl.sh 3.0. */
function isFault({ id, severity }: Finding): boolean {
  return !['OK', 'INFO'].includes(severity) && !(id in excused);
}

function of(findings: readonly Finding[], id: string): string {
  return findings.find((each) => each.id === id)?.finding ?? '';
}

describe.skipIf(isExcused)('what scanners say of a gateway', () => {
  const gateways: GatewayProcess[] = [];
  const scans = new Map<string, Scan>();

  // All at once: a scanner waits most of the time.
  beforeAll(
    async () => {
      await Promise.all(
        cases.map(async ({ label, policy, keyType }, index) => {
          const leaf = await createTestCertificate({ names: [name], issuer: authority, days: 90, keyType });
          const [cert, key] = [join(directory, `cert-${index}.pem`), join(directory, `key-${index}.pem`)];
          await writeFile(cert, leaf.cert + authority.cert);
          await writeFile(key, leaf.key, { mode: 0o600 });
          const gateway = await startGatewayProcess({
            upstreamPort: 9,
            config: { domains: [name], tls: { cert, key, policy } },
          });
          gateways.push(gateway);
          const target = { port: gateway.port, name, ca: join(directory, 'ca.pem') };
          scans.set(label, { port: gateway.port, ...(await scan(target)) });
        }),
      );
    },
    isFull ? 1_200_000 : 400_000,
  );
  afterAll(async () => {
    for (const gateway of gateways) await gateway.clean();
  });

  describe.each(cases)('$label', ({ label, protocols, suites }) => {
    const result = (): Scan => {
      const found = scans.get(label);
      if (found === undefined) throw new Error('it was not scanned');
      return found;
    };

    it('has no finding, not even a low one', () => {
      const { findings } = result();
      expect(findings.length).toBeGreaterThan(50);
      expect(findings.filter(isFault)).toEqual([]);
    });

    it('accepts exactly the protocols and suites of its policy', () => {
      const { accepted } = result();
      expect(accepted.protocols.toSorted()).toEqual(protocols);
      expect(accepted.suites).toEqual(suites.toSorted());
    });

    it('neither compresses nor renegotiates', () => {
      const { accepted, findings } = result();
      expect(accepted).toMatchObject({ compression: false, renegotiation: false });
      for (const id of ['CRIME_TLS', 'secure_client_renego']) {
        expect(of(findings, id)).toMatch(/^(?:not vulnerable|TLS 1\.3 only server)/);
      }
    });

    it('demands HTTPS for two years', () => {
      const seconds = Number(/=(\d+) seconds/.exec(of(result().findings, 'HSTS_time'))?.[1]);
      expect(seconds).toBeGreaterThanOrEqual(63_072_000);
    });

    it('agrees on X25519MLKEM768 with a client that offers it', async () => {
      const socket = await handshake({
        port: result().port,
        servername: name,
        ca: authority.cert,
        rejectUnauthorized: true,
      });
      expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: 'X25519MLKEM768' });
      socket.destroy();
    });
  });
});

it.skipIf(isExcused)(
  'the scanners see what is wrong with a careless server',
  { timeout: 240_000 },
  async () => {
    const { cert, key } = await createTestCertificate({ names: [name], issuer: authority, days: 90 });
    const careless = createServer(
      { cert, key, minVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' },
      (socket) => {
        socket.on('error', () => socket.destroy());
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      },
    );
    careless.on('tlsClientError', (_error, socket) => void socket.destroy());
    careless.listen(0, '127.0.0.1');
    await once(careless, 'listening');
    const address = careless.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const target = { port, name, ca: join(directory, 'ca.pem') };
    const { findings, accepted } = await scan(target, ['-p', '-s', '-h']);
    careless.close();
    const serious = findings.filter(isFault).map(({ id }) => id);
    expect(serious).toContain('TLS1');
    expect(serious.length).toBeGreaterThan(1);
    expect(of(findings, 'HSTS_time')).toBe('');
    expect(accepted.protocols).toContain('1.0');
    expect(accepted.suites.length).toBeGreaterThan(9);
  },
);
