import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/lib/diagnostic.ts';
import { errorCodes } from '../../src/lib/error-codes.ts';
import type { Result } from '../../src/lib/result.ts';
import { loadCertificateFiles, type LoadedCertificate } from '../../src/tls/files/certificate-files.ts';
import { createTestCertificate, createTestChain, type TestCertificate } from '../support/certificates.ts';

const clientAuthentication = '1.3.6.1.5.5.7.3.2';
const day = 86_400_000;
const now = Date.UTC(2027, 4, 17, 12);
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-files-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

type Loaded = Result<LoadedCertificate, readonly Diagnostic[]>;

async function load(files: {
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly domains?: readonly string[];
  readonly roots?: readonly TestCertificate[];
}): Promise<Loaded> {
  const cert = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  if (files.cert !== undefined) await writeFile(cert, files.cert);
  if (files.key !== undefined) await writeFile(key, files.key, { mode: 0o600 });
  const roots = (files.roots ?? []).map((root) => new X509Certificate(root.cert));
  return loadCertificateFiles({ cert, key, domains: files.domains ?? [], now, roots });
}

function errors(loaded: Loaded): string[] {
  expect(loaded.ok).toBe(false);
  return loaded.ok ? [] : loaded.error.map((error) => `${error.code}: ${error.message}`);
}

function warnings(loaded: Loaded): string[] {
  expect(loaded).toMatchObject({ ok: true });
  return loaded.ok ? loaded.value.warnings.map((warning) => `${warning.code}: ${warning.message}`) : [];
}

/** A certificate that nothing is wrong with, unless the options say otherwise. */
function create(options: Parameters<typeof createTestCertificate>[0] = {}): Promise<TestCertificate> {
  return createTestCertificate({ names: ['mcp.example.com'], notBefore: now - day, ...options });
}

const plain = await create();
const options = { names: ['mcp.example.com'], notBefore: now - day };
const root = await createTestCertificate({ names: ['Test Root'], ca: true, notBefore: now - day });
const middle = await createTestCertificate({
  names: ['Test Middle'],
  ca: true,
  notBefore: now - day,
  issuer: root,
});
const leaf = await createTestCertificate({ ...options, issuer: middle });
const stranger = await createTestCertificate({ names: ['Stranger'], ca: true, notBefore: now - day });

describe('a certificate that is in order', () => {
  it('loads without a word and tells its facts', async () => {
    const { cert, key } = await create({
      names: ['mcp.example.com', '*.example.org', '2001:db8::5', '192.0.2.7'],
    });
    const loaded = await load({
      cert,
      key,
      domains: ['mcp.example.com', 'a.example.org', '*.example.org', '2001:db8::5'],
    });
    expect(warnings(loaded)).toEqual([]);
    expect(loaded).toMatchObject({
      value: {
        material: {
          facts: {
            names: ['mcp.example.com', '*.example.org', '2001:db8::5', '192.0.2.7'],
            issuer: 'CN=mcp.example.com',
            notBefore: now - day,
            notAfter: now + 29 * day,
          },
        },
      },
    });
  });

  it.each([
    ['PKCS#8 (EC)', 'ec', 'pkcs8'],
    ['PKCS#8 (RSA)', 'rsa', 'pkcs8'],
    ['SEC1', 'ec', 'sec1'],
    ['PKCS#1', 'rsa', 'pkcs1'],
  ] as const)('reads a key as %s', async (_form, keyType, type) => {
    const { cert, key } = await create({ keyType });
    const text = createPrivateKey(key).export({ type, format: 'pem' });
    expect(warnings(await load({ cert, key: text }))).toEqual([]);
  });

  it('reads what openssl ecparam writes before an EC key', async () => {
    const { cert, key } = await create();
    const sec1 = createPrivateKey(key).export({ type: 'sec1', format: 'pem' }).toString();
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    expect(warnings(await load({ cert, key: parameters + sec1 }))).toEqual([]);
  });

  it('reads CRLF, a byte order mark and remarks between blocks', async () => {
    const { cert, key } = await create();
    const text = `\uFEFFsubject=CN = x\n${cert}`.replaceAll('\n', '\r\n');
    expect(warnings(await load({ cert: text, key: key.replaceAll('\n', '\r\n') }))).toEqual([]);
  });

  it('reads both from one file', async () => {
    const { cert, key } = await create();
    const path = join(directory, 'both.pem');
    await writeFile(path, key + cert, { mode: 0o600 });
    const loaded = await loadCertificateFiles({ cert: path, key: path, domains: [], now, roots: [] });
    expect(warnings(loaded)).toEqual([]);
  });
});

describe('files that cannot be read', () => {
  it('names both missing files at once', async () => {
    expect(errors(await load({}))).toEqual([
      expect.stringMatching(
        /^E_TLS_UNREADABLE: cannot read the certificate `.+cert\.pem`: it does not exist$/,
      ),
      expect.stringMatching(
        /^E_TLS_UNREADABLE: cannot read the private key `.+key\.pem`: it does not exist$/,
      ),
    ]);
  });

  it('names a directory', async () => {
    await mkdir(join(directory, 'cert.pem'));
    expect(errors(await load({ key: plain.key }))).toEqual([expect.stringContaining('it is a directory')]);
  });

  it.skipIf(process.getuid?.() === 0)('names a file without permission', async () => {
    const { cert, key } = await create();
    await load({ cert, key });
    await chmod(join(directory, 'key.pem'), 0o000);
    expect(errors(await load({}))).toEqual([expect.stringContaining('permission denied')]);
  });

  it('does not read a file without end', async () => {
    const loaded = await loadCertificateFiles({
      cert: '/dev/zero',
      key: '/dev/zero',
      domains: [],
      now,
      roots: [],
    });
    expect(errors(loaded)).toEqual([
      expect.stringContaining('it is not a regular file'),
      expect.stringContaining('it is not a regular file'),
    ]);
  });

  it('does not read a file that is far too large', async () => {
    const { key } = await create();
    expect(errors(await load({ cert: 'x'.repeat(1_048_577), key }))).toEqual([
      expect.stringContaining('larger than 1 MiB'),
    ]);
  });
});

describe('files that hold the wrong thing', () => {
  const { cert, key } = plain;
  const der = new X509Certificate(cert).raw;
  const encrypt = { cipher: 'aes-256-cbc', passphrase: 'secret' } as const;
  const pkcs8 = createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', ...encrypt });
  const sec1 = createPrivateKey(key).export({ type: 'sec1', format: 'pem', ...encrypt });
  const garbled = cert.replace(/\n.{8}/, '\n!!!!!!!!');

  it.each<[string, { cert?: string | Buffer; key?: string | Buffer }, RegExp]>([
    ['an empty certificate file', { cert: '' }, /^E_TLS_MALFORMED: .+: it is empty$/],
    ['an empty key file', { key: ' \n' }, /^E_TLS_MALFORMED: .+: it is empty$/],
    ['DER', { cert: der }, /^E_TLS_MALFORMED: .+binary$/],
    ['a text', { cert: 'hello' }, /^E_TLS_MALFORMED: the certificate file holds no PEM certificate$/],
    ['a damaged certificate', { cert: garbled }, /^E_TLS_MALFORMED: certificate 1 is damaged$/],
    ['a damaged second one', { cert: cert + garbled }, /^E_TLS_MALFORMED: certificate 2 is damaged$/],
    [
      'a certificate cut short',
      { cert: cert.slice(0, 200) },
      /^E_TLS_MALFORMED: the certificate file holds no PEM/,
    ],
    [
      'a key for a certificate',
      { cert: key },
      /^E_TLS_MALFORMED: .+ holds a private key and no certificate$/,
    ],
    [
      'a certificate for a key',
      { key: cert },
      /^E_TLS_MALFORMED: .+ holds a certificate and no private key$/,
    ],
    [
      'a damaged key',
      { key: key.replace(/\n.{8}/, '\n!!!!!!!!') },
      /^E_TLS_MALFORMED: the private key is damaged$/,
    ],
    [
      'an encrypted PKCS#8 key',
      { key: pkcs8 },
      /^E_TLS_KEY_ENCRYPTED: the private key is protected by a passphrase$/,
    ],
    ['an encrypted SEC1 key', { key: sec1 }, /^E_TLS_KEY_ENCRYPTED: /],
    [
      'an SSH key',
      { key: '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n' },
      /^E_TLS_MALFORMED: the key file holds an SSH key/,
    ],
    ['the key of another certificate', { key: stranger.key }, /^E_TLS_KEY_MISMATCH: /],
  ])('refuses %s', async (_what, files, message) => {
    const found = errors(await load({ cert, key, ...files }));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
    expect(found[0]).not.toMatch(/ at |error:|PRIVATE KEY-----|undefined/);
  });

  it('refuses a key that the TLS engine finds too short, in its words', async () => {
    const weak = await create({ keyType: 'rsa-1024' });
    expect(errors(await load(weak))).toEqual([
      'E_TLS_MALFORMED: the TLS engine refuses the certificate: ee key too small',
    ]);
  });

  it('gives every code an exit status and a fix', () => {
    for (const code of [
      'E_TLS_UNREADABLE',
      'E_TLS_MALFORMED',
      'E_TLS_KEY_ENCRYPTED',
      'E_TLS_KEY_MISMATCH',
    ] as const) {
      expect(errorCodes[code].exit).toBe(2);
      expect(errorCodes[code].fix).not.toBe('');
    }
  });
});

describe('warnings', () => {
  it('names the date of an expired certificate', async () => {
    const old = await create({ notBefore: Date.UTC(2027, 0, 1, 8, 30), days: 90 });
    expect(warnings(await load(old))).toEqual([
      'E_TLS_EXPIRED: the certificate expired on 2027-04-01 08:30 UTC',
    ]);
  });

  it('names the date of a certificate of the future', async () => {
    const early = await create({ notBefore: Date.UTC(2027, 5, 1) });
    expect(warnings(await load(early))).toEqual([
      'E_TLS_NOT_YET_VALID: the certificate becomes valid on 2027-06-01 00:00 UTC',
    ]);
  });

  it('names each domain that is not covered', async () => {
    const { cert, key } = await create({ names: ['mcp.example.com', '*.example.org'] });
    const domains = [
      'mcp.example.com',
      'example.org',
      'a.b.example.org',
      'x.example.org',
      '192.0.2.1',
      '*.example.com',
    ];
    expect(warnings(await load({ cert, key, domains }))).toEqual(
      ['example.org', 'a.b.example.org', '192.0.2.1', '*.example.com'].map(
        (name) =>
          `E_TLS_NAME_UNCOVERED: the certificate does not cover \`${name}\`; it covers mcp.example.com, *.example.org`,
      ),
    );
  });

  it('does not take the common name for a name', async () => {
    const { cert, key } = await createTestCertificate({ names: [], notBefore: now - day });
    expect(warnings(await load({ cert, key, domains: ['nameless'] }))).toEqual([
      'E_TLS_NAME_UNCOVERED: the certificate does not cover `nameless`; it covers no name at all',
    ]);
  });

  it('says when a certificate is not for servers', async () => {
    expect(warnings(await load(await create({ purposes: [clientAuthentication] })))).toEqual([
      'E_TLS_PURPOSE: the certificate was not issued for TLS servers',
    ]);
    expect(warnings(await load(await create({ ca: true })))).toEqual([
      'E_TLS_PURPOSE: the certificate belongs to a certificate authority, not to a server',
    ]);
  });

  it.each([
    [0o600, 0],
    [0o640, 0],
    [0o644, 1],
    [0o666, 1],
  ])('says when every user can read the key: mode %o', async (mode, count) => {
    const { cert, key } = await create();
    await load({ cert, key });
    await chmod(join(directory, 'key.pem'), mode);
    const found = warnings(await load({}));
    expect(found).toHaveLength(count);
    for (const warning of found) expect(warning).toContain(`(mode 0${mode.toString(8)})`);
  });
});

describe('the chain', () => {
  it.each([
    ['up to below a known root', leaf.cert + middle.cert],
    ['with the root', leaf.cert + middle.cert + root.cert],
  ])('is complete %s', async (_what, cert) => {
    expect(warnings(await load({ cert, key: leaf.key, roots: [stranger, root] }))).toEqual([]);
  });

  it('names the issuer that is missing', async () => {
    expect(warnings(await load({ cert: leaf.cert, key: leaf.key, roots: [root] }))).toEqual([
      'E_TLS_CHAIN: the certificate of the issuer `CN=Test Middle` is not in the file, and it is no root known here',
    ]);
  });

  it('is sent in the right order when the file has another', async () => {
    const loaded = await load({ cert: root.cert + middle.cert + leaf.cert, key: leaf.key });
    expect(warnings(loaded)).toEqual([
      'E_TLS_CHAIN: the chain is out of order; it is sent in the right order',
    ]);
    expect(loaded).toMatchObject({ value: { material: { chain: leaf.cert + middle.cert + root.cert } } });
  });

  it('leaves out what does not belong to it', async () => {
    const loaded = await load({
      cert: leaf.cert + stranger.cert + middle.cert,
      key: leaf.key,
      roots: [root],
    });
    expect(warnings(loaded)).toEqual([
      'E_TLS_CHAIN: certificates that are no part of the chain are not sent: `CN=Stranger`',
    ]);
    expect(loaded).toMatchObject({ value: { material: { chain: leaf.cert + middle.cert } } });
  });

  it('is not fooled by an issuer of the same name with another key', async () => {
    const impostor = await createTestCertificate({ names: ['Test Middle'], ca: true, notBefore: now - day });
    expect(warnings(await load({ cert: leaf.cert + impostor.cert, key: leaf.key, roots: [root] }))).toEqual([
      expect.stringContaining('no part of the chain are not sent: `CN=Test Middle`'),
      expect.stringContaining('the issuer `CN=Test Middle` is not in the file'),
    ]);
  });

  it('names an intermediate that has expired', async () => {
    const old = await createTestCertificate({
      names: ['Old'],
      ca: true,
      notBefore: now - 40 * day,
      days: 39,
      issuer: root,
    });
    const below = await createTestCertificate({ ...options, issuer: old });
    expect(warnings(await load({ cert: below.cert + old.cert, key: below.key, roots: [root] }))).toEqual([
      'E_TLS_EXPIRED: the intermediate certificate `CN=Old` expired on 2027-05-16 12:00 UTC',
    ]);
  });

  it('knows the roots of this machine when none are given', async () => {
    const chain = await createTestChain({ notBefore: now - day });
    const cert = join(directory, 'cert.pem');
    const key = join(directory, 'key.pem');
    await load({ cert: chain.leaf.cert + chain.intermediate.cert, key: chain.leaf.key });
    expect(warnings(await loadCertificateFiles({ cert, key, domains: [], now }))).toEqual(
      expect.arrayContaining([expect.stringContaining('the issuer `CN=Test Root` is not in the file')]),
    );
  });
});
