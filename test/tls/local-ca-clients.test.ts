import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { isIP, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverAuthentication } from '../../src/tls/x509/certificate-fields.ts';
import { loadLocalAuthority, type LocalAuthority } from '../../src/tls/local-ca/local-ca.ts';
import { loadLocalCertificate } from '../../src/tls/local-ca/local-certificate.ts';
import { buildCertificate } from '../../src/tls/x509/x509-builder.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { handshake, refusal } from '../support/tls-peers.ts';

const run = promisify(execFile);
const hosts = ['localhost', '127.0.0.1', 'mcp.test', '10.1.2.3', 'fd00::5'];

let directory: string;
let authority: LocalAuthority;
let server: Server;
let port: number;
/** A leaf that a thief of the authority's key signs for a name of the internet. */
let stolen: Server;
let stolenPort: number;
let stolenLeaf: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-clients-'));
  const now = Date.now();
  authority = await loadLocalAuthority({ stateDir: directory, now });
  const { material } = await loadLocalCertificate({ authority, names: hosts.slice(2), now });
  ({ server, port } = await serve({ cert: material.chain, key: material.key }));

  const pair = await createTestCertificate();
  const thief = new X509Certificate(pair.cert).publicKey;
  const cert = await buildCertificate({
    serialNumber: Buffer.from([1, 2, 3]),
    issuer: authority.name,
    subject: { commonName: 'bank.example.com' },
    notBefore: now - 1000,
    notAfter: now + 3_600_000,
    publicKey: thief,
    signingKey: authority.key,
    basicConstraints: { ca: false },
    extendedKeyUsage: [serverAuthentication],
    subjectAlternativeName: ['bank.example.com'],
  });
  ({ server: stolen, port: stolenPort } = await serve({ cert, key: pair.key }));
  stolenLeaf = join(directory, 'stolen.pem');
  await writeFile(stolenLeaf, cert);
});

afterAll(async () => {
  server.close();
  stolen.close();
  await rm(directory, { recursive: true });
});

async function serve(options: ServerOptions): Promise<{ readonly server: Server; readonly port: number }> {
  const started = createServer(options, (_request, response) => void response.end('reached'));
  started.listen(0, '127.0.0.1');
  await once(started, 'listening');
  // The server listens on TCP, so its address is not the path of a Unix socket.
  return { server: started, port: (started.address() as AddressInfo).port };
}

function isFound(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

const leafFile = (): string => join(authority.directory, 'leaf.pem');

/** Standard error of a program that must fail. */
async function failure(program: string, parameters: readonly string[]): Promise<string> {
  try {
    await run(program, parameters);
    return 'it was accepted';
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  }
}

describe('Node with nothing but the authority', () => {
  it.each(hosts)('accepts %s', async (host) => {
    const ca = await readFile(authority.certificateFile, 'utf8');
    const options = { port, ca, rejectUnauthorized: true, ...(isIP(host) === 0 ? { servername: host } : {}) };
    const socket = await handshake({
      ...options,
      checkServerIdentity: (_asked, certificate) => checkServerIdentity(host, certificate),
    });
    expect(socket.authorized).toBe(true);
    socket.destroy();
  });

  it('does not accept it without', async () => {
    expect(await refusal({ port, rejectUnauthorized: true, servername: 'localhost' })).toBe(
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
  });

  it('refuses a stolen authority that signs for the internet', async () => {
    const ca = await readFile(authority.certificateFile, 'utf8');
    const options = { port: stolenPort, ca, rejectUnauthorized: true, servername: 'bank.example.com' };
    await expect(handshake(options)).rejects.toThrow(/permitted subtree violation/);
  });
});

describe.skipIf(!isFound('openssl'))('openssl verify', () => {
  const verify = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile'];

  it('accepts the certificate by its strict rules', async () => {
    for (const check of [
      ['-verify_hostname', 'localhost'],
      ['-verify_ip', '127.0.0.1'],
      ['-verify_ip', '::1'],
    ]) {
      const { stdout } = await run('openssl', [...verify, authority.certificateFile, ...check, leafFile()]);
      expect(stdout).toMatch(/leaf\.pem: OK/);
    }
  });

  it('refuses a stolen authority that signs for the internet', async () => {
    expect(await failure('openssl', ['verify', '-CAfile', authority.certificateFile, stolenLeaf])).toMatch(
      /permitted subtree violation/,
    );
  });

  it('prints the authority as it was meant', async () => {
    const { stdout } = await run('openssl', ['x509', '-in', authority.certificateFile, '-noout', '-text']);
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain('Basic Constraints: critical CA:TRUE, pathlen:0');
    expect(text).toContain('Key Usage: critical Certificate Sign, CRL Sign');
    expect(text).toContain(
      'Name Constraints: critical Permitted: DNS:localhost DNS:local DNS:lan DNS:internal DNS:test DNS:home.arpa ' +
        'IP:127.0.0.0/255.0.0.0 IP:10.0.0.0/255.0.0.0 IP:172.16.0.0/255.240.0.0 IP:192.168.0.0/255.255.0.0 ' +
        'IP:169.254.0.0/255.255.0.0 IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF ' +
        'IP:FC00:0:0:0:0:0:0:0/FE00:0:0:0:0:0:0:0 IP:FE80:0:0:0:0:0:0:0/FFC0:0:0:0:0:0:0:0',
    );
    expect(text).toContain('ecdsa-with-SHA256');
  });
});

describe.skipIf(!isFound('curl'))('curl', () => {
  const curl = (host: string, at: number): string[] => [
    '--silent',
    '--show-error',
    '--max-time',
    '5',
    '--cacert',
    authority.certificateFile,
    '--resolve',
    `${host}:${at}:127.0.0.1`,
    `https://${host}:${at}/`,
  ];

  it.each(['localhost', '127.0.0.1', 'mcp.test'])('accepts %s', async (host) => {
    const { stdout } = await run('curl', curl(host, port));
    expect(stdout).toBe('reached');
  });

  it('refuses a stolen authority that signs for the internet', async () => {
    expect(await failure('curl', curl('bank.example.com', stolenPort))).toMatch(
      /permitted subtree violation/,
    );
  });
});

describe.skipIf(!isFound('python3'))('Python', () => {
  const script = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
if hasattr(ssl, 'VERIFY_X509_STRICT'): context.verify_flags |= ssl.VERIFY_X509_STRICT
with socket.create_connection(('127.0.0.1', int(sys.argv[2]))) as raw:
    with context.wrap_socket(raw, server_hostname=sys.argv[3]) as tls: print(tls.version())
`;

  it.each(hosts)('accepts %s by its strict rules', async (host) => {
    const { stdout } = await run('python3', ['-c', script, authority.certificateFile, String(port), host]);
    expect(stdout).toBe('TLSv1.3\n');
  });

  it('refuses a stolen authority that signs for the internet', async () => {
    const parameters = ['-c', script, authority.certificateFile, String(stolenPort), 'bank.example.com'];
    expect(await failure('python3', parameters)).toMatch(/permitted subtree violation/);
  });
});
