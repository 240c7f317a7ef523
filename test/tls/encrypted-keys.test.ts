import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import type { Result } from '../../src/lib/result.ts';
import { createFileSource } from '../../src/tls/certificate-source.ts';
import {
  loadCertificateFiles,
  listFiles,
  type LoadedCertificate,
} from '../../src/tls/files/certificate-files.ts';
import type { PassphraseSource } from '../../src/tls/files/passphrase.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { handshake, startEchoServer } from '../support/tls-peers.ts';

const passphrase = 'correct horse, ünïcode';
const now = Date.now();
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-encrypted-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

function openssl(args: readonly string[], input: string): string {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

const ec = await createTestCertificate();
const rsa = await createTestCertificate({ keyType: 'rsa' });
const out = ['-passout', `pass:${passphrase}`];
const forms: readonly (readonly [form: string, certificate: typeof ec, encrypt: () => string])[] = [
  ['PKCS#8 (EC)', ec, () => openssl(['pkcs8', '-topk8', ...out], ec.key)],
  ['PKCS#8 (RSA)', rsa, () => openssl(['pkcs8', '-topk8', ...out], rsa.key)],
  ['PKCS#8 with Triple DES', ec, () => openssl(['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES', ...out], ec.key)],
  ['PKCS#8 with scrypt', ec, () => openssl(['pkcs8', '-topk8', '-scrypt', ...out], ec.key)],
  ['SEC1', ec, () => openssl(['ec', '-aes256', ...out], ec.key)],
  ['PKCS#1', rsa, () => openssl(['rsa', '-traditional', '-aes256', ...out], rsa.key)],
  ['PKCS#1 with Triple DES', rsa, () => openssl(['rsa', '-traditional', '-des3', ...out], rsa.key)],
];

interface Files {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: PassphraseSource | undefined;
}

const paths = (): { cert: string; key: string; secret: string } => ({
  cert: join(directory, 'cert.pem'),
  key: join(directory, 'key.pem'),
  secret: join(directory, 'passphrase'),
});

async function load(files: Files): Promise<Result<LoadedCertificate, readonly Diagnostic[]>> {
  const { cert, key } = paths();
  await writeFile(cert, files.cert);
  await writeFile(key, files.key, { mode: 0o600 });
  return loadCertificateFiles({ cert, key, passphrase: files.passphrase, domains: [], now, roots: [] });
}

async function problems(files: Files): Promise<readonly string[]> {
  const loaded = await load(files);
  return loaded.ok ? [] : loaded.error.map(({ code, message }) => `${code}: ${message}`);
}

const environment = (value: string): PassphraseSource => ({ kind: 'environment', name: 'KEY_PASS', value });

describe.each(forms)('an encrypted key as %s', (_form, { cert, key: plain }, encrypt) => {
  it('is read with its passphrase, and served', async () => {
    const loaded = await load({ cert, key: encrypt(), passphrase: environment(passphrase) });
    if (!loaded.ok) throw new Error(loaded.error[0]?.message);
    const { material, warnings } = loaded.value;
    expect(warnings).toEqual([]);
    expect(createPrivateKey(material.key).equals(createPrivateKey(plain))).toBe(true);
    const server = await startEchoServer({ cert: material.chain, key: material.key });
    const socket = await handshake({ port: server.port });
    socket.destroy();
    await server.close();
  });

  it('is refused without one', async () => {
    expect(await problems({ cert, key: encrypt() })).toEqual([
      'E_TLS_KEY_ENCRYPTED: the private key is protected by a passphrase',
    ]);
  });

  it.each(['wrong', '', `${passphrase}\n`, 'x'.repeat(5000)])(
    'is refused with another one',
    async (wrong) => {
      expect(await problems({ cert, key: encrypt(), passphrase: environment(wrong) })).toEqual([
        'E_TLS_PASSPHRASE: the passphrase in the variable `KEY_PASS` does not open the private key',
      ]);
    },
  );
});

it('is told apart from a wrong one whatever noise comes out, for many keys', async () => {
  // One in 256 wrong passphrases yields something that looks decrypted.
  const key = openssl(['rsa', '-traditional', '-aes256', ...out], rsa.key);
  const { cert } = rsa;
  const codes = new Set<string>();
  for (let turn = 0; turn < 600; turn++) {
    const [problem = 'none'] = await problems({ cert, key, passphrase: environment(`wrong ${turn}`) });
    codes.add(problem.slice(0, problem.indexOf(':')));
  }
  expect([...codes]).toEqual(['E_TLS_PASSPHRASE']);
});

it('does not use a passphrase for a key that is not encrypted', async () => {
  expect(await problems({ ...ec, passphrase: environment('anything') })).toEqual([]);
});

it('reads an Ed25519 key, encrypted or not', async () => {
  const key = openssl(['genpkey', '-algorithm', 'ed25519'], '');
  const keyFile = join(directory, 'ed25519.pem');
  await writeFile(keyFile, key);
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const cert = openssl(['req', '-x509', '-key', keyFile, ...names, '-days', '2'], '');
  const encrypted = openssl(['pkcs8', '-topk8', ...out], key);
  for (const files of [
    { cert, key },
    { cert, key: encrypted, passphrase: environment(passphrase) },
  ]) {
    const loaded = await load(files);
    expect(loaded.ok && createPublicKey(loaded.value.material.key).asymmetricKeyType).toBe('ed25519');
  }
});

describe('a passphrase in a file', () => {
  const encrypted = openssl(['pkcs8', '-topk8', ...out], ec.key);
  const source = (): PassphraseSource => ({ kind: 'file', path: paths().secret });

  it.each([
    ['as it is', ''],
    ['with a line end', '\n'],
    ['with a line end of Windows', '\r\n'],
    ['with a remark below', '\nof mcp.example.com\n'],
  ])('is read %s', async (_what, ending) => {
    await writeFile(paths().secret, passphrase + ending, { mode: 0o600 });
    expect(await problems({ cert: ec.cert, key: encrypted, passphrase: source() })).toEqual([]);
  });

  it('keeps other white space', async () => {
    const key = openssl(['pkcs8', '-topk8', '-passout', 'pass: with spaces '], ec.key);
    await writeFile(paths().secret, ' with spaces \n', { mode: 0o600 });
    expect(await problems({ cert: ec.cert, key, passphrase: source() })).toEqual([]);
  });

  it('is missed when it is gone, and named when it is wrong', async () => {
    const files = { cert: ec.cert, key: encrypted, passphrase: source() };
    expect(await problems(files)).toEqual([expect.stringMatching(/^E_TLS_UNREADABLE: .*passphrase file/)]);
    await writeFile(paths().secret, 'wrong', { mode: 0o600 });
    expect(await problems(files)).toEqual([
      expect.stringContaining(`the passphrase in \`${paths().secret}\``),
    ]);
  });

  it.skipIf(process.platform === 'win32')('that everybody can read is warned of', async () => {
    await writeFile(paths().secret, passphrase, { mode: 0o644 });
    const loaded = await load({ cert: ec.cert, key: encrypted, passphrase: source() });
    expect(loaded).toMatchObject({
      value: { warnings: [{ code: 'E_TLS_KEY_EXPOSED', file: paths().secret }] },
    });
  });

  it('is followed like the key: both may change', async () => {
    const { cert, key, secret } = paths();
    await writeFile(secret, passphrase, { mode: 0o600 });
    await load({ cert: ec.cert, key: encrypted });
    const options = { cert, key, passphrase: source(), domains: [] };
    expect(listFiles(options)).toEqual([cert, key, secret]);
    const files = createFileSource(options);
    expect((await files.look(now)).kind).toBe('loaded');
    await writeFile(key, openssl(['pkcs8', '-topk8', '-passout', 'pass:next'], ec.key));
    expect((await files.look(now)).kind).toBe('unsettled');
    await writeFile(secret, 'next');
    expect((await files.look(now)).kind).toBe('loaded');
    expect((await files.look(now)).kind).toBe('unchanged');
  });

  it('is in no message', async () => {
    const secret = 'hunter2-hunter2';
    await writeFile(paths().secret, secret, { mode: 0o600 });
    const loaded = await load({ cert: ec.cert, key: encrypted, passphrase: source() });
    const fromVariable = await load({ cert: ec.cert, key: encrypted, passphrase: environment(secret) });
    expect(loaded.ok || fromVariable.ok).toBe(false);
    expect(JSON.stringify([loaded, fromVariable])).not.toContain(secret);
  });
});
