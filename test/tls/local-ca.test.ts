import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadLocalAuthority } from '../../src/tls/local-ca/local-ca.ts';
import { loadLocalCertificate, type LocalCertificate } from '../../src/tls/local-ca/local-certificate.ts';
import { createTestCertificate } from '../support/certificates.ts';

const run = promisify(execFile);
const hour = 3_600_000;
const day = 24 * hour;
const now = Date.UTC(2027, 4, 17, 12);
let stateDir: string;
let directory: string;

beforeEach(async () => {
  stateDir = join(await mkdtemp(join(tmpdir(), 'breakwater-ca-')), 'state');
  directory = join(stateDir, 'local-ca');
});
afterEach(async () => {
  await rm(join(stateDir, '..'), { recursive: true });
});

const loadAuthority = (at: number = now): ReturnType<typeof loadLocalAuthority> =>
  loadLocalAuthority({ stateDir, now: at });

async function loadLeaf(names: readonly string[] = [], at: number = now): Promise<LocalCertificate> {
  return loadLocalCertificate({ authority: await loadAuthority(at), names, now: at });
}

function serial(certificate: LocalCertificate): string {
  return certificate.material.facts.serialNumber;
}

describe('the authority', () => {
  it('is made on first use and kept', async () => {
    const first = await loadAuthority();
    const second = await loadAuthority(now + 1000 * day);
    expect(second.certificate.fingerprint256).toBe(first.certificate.fingerprint256);
    expect(first.certificateFile).toBe(join(directory, 'ca.pem'));
    expect(first.certificate.validFromDate.getTime()).toBe(now - hour);
    expect(first.certificate.validToDate.getTime()).toBe(now - hour + 3652 * day);
  });

  it('keeps its key from other users', async () => {
    await loadLeaf();
    const modes = await Promise.all(
      ['', 'ca-key.pem', 'leaf.pem', 'ca.pem'].map(
        async (name) => (await stat(join(directory, name))).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o644]);
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
    expect(await readdir(directory)).toHaveLength(3);
    expect(await readdir(stateDir)).toEqual(['local-ca']);
  });

  it('keeps these modes under a careless umask', async () => {
    const before = process.umask(0);
    try {
      await loadLeaf();
    } finally {
      process.umask(before);
    }
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'ca-key.pem'))).mode & 0o777).toBe(0o600);
  });

  it('is one and the same for many first users of one process', async () => {
    const authorities = await Promise.all(Array.from({ length: 8 }, () => loadAuthority()));
    expect(new Set(authorities.map((authority) => authority.certificate.fingerprint256)).size).toBe(1);
    for (const { certificate, key } of authorities) expect(certificate.checkPrivateKey(key)).toBe(true);
    expect(await readdir(stateDir)).toEqual(['local-ca']);
  });

  it(
    'is one and the same for many first processes, and so are key and certificate',
    { timeout: 30_000 },
    async () => {
      const module = new URL('../../src/tls/local-ca/local-ca.ts', import.meta.url).href;
      const script = `
      import { loadLocalAuthority } from ${JSON.stringify(module)};
      const { certificate } = await loadLocalAuthority({ stateDir: process.argv[1], now: ${now} });
      console.log(certificate.fingerprint256);`;
      const started = Array.from({ length: 4 }, () =>
        run(process.execPath, ['--input-type=module', '-e', script, stateDir]),
      );
      const fingerprints = (await Promise.all(started)).map(({ stdout }) => stdout.trim());
      expect(new Set(fingerprints).size).toBe(1);
      expect((await loadAuthority()).certificate.fingerprint256).toBe(fingerprints[0]);
      expect(await readdir(stateDir)).toEqual(['local-ca']);
    },
  );

  it('takes a directory that is there but empty', async () => {
    await mkdir(directory, { recursive: true });
    expect((await loadAuthority()).certificate.ca).toBe(true);
  });
});

const stranger = await createTestCertificate({ names: ['Stranger'], ca: true, notBefore: now - day });

describe('damaged state', () => {
  it.each<[string, () => Promise<void>, RegExp]>([
    ['a missing key', () => rm(join(directory, 'ca-key.pem')), /`ca-key\.pem` is missing$/],
    ['a missing certificate', () => rm(join(directory, 'ca.pem')), /`ca\.pem` is missing$/],
    [
      'an empty key',
      () => writeFile(join(directory, 'ca-key.pem'), ''),
      /`ca-key\.pem` is not what was written$/,
    ],
    [
      'garbage',
      () => writeFile(join(directory, 'ca.pem'), 'garbage\0\xff'),
      /`ca\.pem` is not what was written$/,
    ],
    [
      'another key',
      () => writeFile(join(directory, 'ca-key.pem'), stranger.key),
      /key and its certificate do not match$/,
    ],
    [
      'a certificate that is no authority',
      async () => {
        const key = await readFile(join(directory, 'ca-key.pem'), 'utf8');
        const { cert } = await createTestCertificate({ key, notBefore: now - day });
        await writeFile(join(directory, 'ca.pem'), cert);
      },
      /is not the certificate of an authority$/,
    ],
  ])('is named and never replaced: %s', async (_what, damage, message) => {
    await loadLeaf();
    await damage();
    const before = await readdir(directory);
    await expect(loadAuthority()).rejects.toMatchObject({
      name: 'GatewayError',
      code: 'E_TLS_STATE',
      message: expect.stringMatching(message),
      hint: expect.stringContaining(directory),
    });
    expect(await readdir(directory)).toEqual(before);
  });

  it('takes files that an editor gave CRLF', async () => {
    await loadAuthority();
    for (const name of ['ca.pem', 'ca-key.pem']) {
      const path = join(directory, name);
      await writeFile(path, (await readFile(path, 'utf8')).replaceAll('\n', '\r\n'));
    }
    expect((await loadAuthority()).certificate.ca).toBe(true);
  });

  it('refuses an authority that has expired, or whose day has not come', async () => {
    await loadAuthority();
    await expect(loadAuthority(now + 3653 * day)).rejects.toMatchObject({
      code: 'E_TLS_STATE',
      message: expect.stringContaining('it expired on 2037-'),
    });
    await expect(loadAuthority(now - day)).rejects.toMatchObject({
      code: 'E_TLS_STATE',
      hint: 'set the clock of this machine',
    });
  });

  it('says so when the state directory is a file', async () => {
    await writeFile(stateDir, '');
    await expect(loadAuthority()).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
  });

  it.each([
    ['empty', () => ''],
    ['garbage', () => 'garbage'],
    ['cut short', (text: string) => text.slice(0, 300)],
    [
      'signed by another authority',
      async () => {
        const other = await createTestCertificate({ notBefore: now - day });
        return other.key + other.cert;
      },
    ],
  ])('makes a certificate again that is %s', async (_what, damage) => {
    const first = await loadLeaf();
    const path = join(directory, 'leaf.pem');
    await writeFile(path, await damage(await readFile(path, 'utf8')));
    const second = await loadLeaf();
    expect(second.warnings).toEqual([]);
    expect(serial(second)).not.toBe(serial(first));
    expect(serial(await loadLeaf())).toBe(serial(second));
  });
});

describe('the certificate', () => {
  it('names loopback and what was asked for, lives 90 days and starts an hour ago', async () => {
    const { material, renewsAt } = await loadLeaf([
      'MCP.Test.',
      '192.168.7.9',
      'fd00::0:1',
      'mcp.test',
      'localhost',
    ]);
    expect(material.facts).toMatchObject({
      names: ['localhost', '127.0.0.1', '::1', 'mcp.test', '192.168.7.9', 'fd00::1'],
      notBefore: now - hour,
      notAfter: now - hour + 90 * day,
    });
    expect(renewsAt).toBe(now - hour + 60 * day);
    const leaf = new X509Certificate(material.chain);
    const { certificate } = await loadAuthority();
    expect(leaf.verify(certificate.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(material.key))).toBe(true);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  });

  it('is used again until a third of its life is left', async () => {
    const first = await loadLeaf();
    expect(serial(await loadLeaf([], first.renewsAt - 1))).toBe(serial(first));
    const renewed = await loadLeaf([], first.renewsAt);
    expect(serial(renewed)).not.toBe(serial(first));
    expect(renewed.material.key).not.toBe(first.material.key);
    expect(serial(await loadLeaf([], first.renewsAt + day))).toBe(serial(renewed));
  });

  it('is made again when the names change or the clock was set back', async () => {
    const first = await loadLeaf(['a.test']);
    const second = await loadLeaf(['a.test', 'b.test']);
    expect(serial(second)).not.toBe(serial(first));
    const authority = await loadAuthority();
    const options = { authority, names: ['a.test', 'b.test'] };
    const late = await loadLocalCertificate({ ...options, now: now + 61 * day });
    expect(serial(late)).not.toBe(serial(second));
    const early = await loadLocalCertificate({ ...options, now });
    expect(serial(early)).not.toBe(serial(late));
    expect(early.material.facts.notBefore).toBe(now - hour);
  });

  it('does not outlive its authority', async () => {
    const { certificate } = await loadAuthority();
    const { material } = await loadLeaf([], now + 3640 * day);
    expect(material.facts.notAfter).toBe(certificate.validToDate.getTime());
  });

  it.skipIf(process.getuid?.() === 0)('is used, with a warning, when it cannot be kept', async () => {
    await loadAuthority();
    await chmod(directory, 0o500);
    const { material, warnings } = await loadLeaf();
    expect(material.facts.names).toContain('localhost');
    expect(warnings).toMatchObject([{ severity: 'warning', code: 'E_STATE_UNWRITABLE' }]);
  });

  it('is used, with a warning, when something is in the way of its file', async () => {
    await loadAuthority();
    await mkdir(join(directory, 'leaf.pem'));
    const { material, warnings } = await loadLeaf();
    expect(material.facts.names).toContain('localhost');
    expect(warnings).toMatchObject([
      {
        severity: 'warning',
        code: 'E_STATE_UNWRITABLE',
        message: expect.stringContaining('used but not kept'),
      },
    ]);
    expect(await readdir(directory)).toEqual(['ca-key.pem', 'ca.pem', 'leaf.pem']);
  });

  it.each([
    'example.com',
    'mcp.example.com',
    'notlocalhost',
    'localhost.example.com',
    'mylocal',
    '8.8.8.8',
    '172.32.0.1',
    '2001:db8::1',
    'fe80::1%eth0',
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    'a b.test',
    'a\0.test',
    '.test',
    'a..test',
    '-a.test',
    'a.*.test',
    '',
  ])('is refused for %j, which is not local', async (name) => {
    await expect(loadLeaf([name])).rejects.toMatchObject({
      code: 'E_TLS_LOCAL_NAME',
      message: `the local certificate authority does not sign for \`${name}\``,
      hint: expect.stringContaining('--cert'),
    });
  });

  it.each([
    'a.localhost',
    'nas.local',
    'box.lan',
    'x.y.internal',
    '*.a.test',
    'pi.home.arpa',
    '10.0.0.1',
    '172.31.255.255',
    'fd12::1',
    'fe80::1',
  ])('is given for %j', async (name) => {
    expect((await loadLeaf([name])).material.facts.names).toContain(name);
  });
});
