import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadLocalAuthority } from '../../../src/tls/local-ca/local-ca.ts';
import { loadLocalCertificate } from '../../../src/tls/local-ca/local-certificate.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { cwd, runCli } from '../capture-io.ts';
import { createTestState, type TestState } from './state.ts';

const day = 86_400_000;

let state: TestState;
beforeEach(async () => {
  state = await createTestState();
});
afterEach(() => state.clean());

const run = (...argv: string[]): ReturnType<typeof runCli> =>
  runCli(['certs', ...argv, '--state-dir', state.stateDir]);

async function listJson(): Promise<Record<string, unknown>[]> {
  const { stdout } = await run('list', '--json');
  const envelope = JSON.parse(stdout) as { schema: string; certificates: Record<string, unknown>[] };
  expect(envelope.schema).toBe('breakwater.certs-list/1');
  return envelope.certificates;
}

async function useLocalAuthority(): Promise<void> {
  const now = Date.now();
  const authority = await loadLocalAuthority({ stateDir: state.stateDir, now });
  await loadLocalCertificate({ authority, names: [], now });
}

describe('certs list', () => {
  it('says that there is nothing', async () => {
    expect(await run('list')).toEqual({
      exit: 0,
      stdout: '',
      stderr: `no certificates in ${state.stateDir}\n`,
    });
  });

  it('has a line for each certificate, with end, renewal and state', async () => {
    await state.store('mcp.example.com', { days: 90 });
    await useLocalAuthority();
    const { stdout, stderr } = await run('list');
    expect(stderr).toBe('');
    const [head, ...rows] = stdout.trimEnd().split('\n');
    expect(head?.split(/ {2,}/)).toEqual(['NAME', 'ISSUER', 'ENDS', 'RENEWS', 'STATE']);
    const renews = new Date(Date.now() - 3_600_000 + 60 * day).toISOString().slice(0, 10);
    expect(rows.map((row) => row.split(/ {2,}/))).toEqual([
      [
        'mcp.example.com',
        'Test Intermediate',
        expect.stringMatching(/^\d{4}-\d\d-\d\d \(89 days\)$/),
        renews,
        'valid',
      ],
      [
        'localhost',
        expect.stringMatching(/^Breakwater local CA [0-9a-f]{8}$/),
        expect.anything(),
        renews,
        'valid',
      ],
      [
        'local-ca',
        expect.stringMatching(/^Breakwater local CA/),
        expect.stringContaining('(3651 days)'),
        '-',
        'valid',
      ],
    ]);
  });

  it('tells each state', async () => {
    const now = Date.now();
    await state.store('valid.example.com');
    await state.store('due.example.com', { days: 90, notBefore: now - 70 * day });
    await state.store('expired.example.com', { days: 10, notBefore: now - 20 * day });
    await state.store('early.example.com', { notBefore: now + day });
    await state.store('failing.example.com');
    await state.storeRecord('failing.example.com', {
      failures: 2,
      lastFailure: { code: 'E_ACME_CHALLENGE', message: 'no answer on port 80', at: now },
      nextAttemptAt: Date.UTC(2040, 0, 2, 3, 4),
    });
    await state.storeRecord('awaited.example.com', { step: 'order' });
    await state.store('damaged.example.com');
    const file = join(state.stateDir, 'certificates', 'damaged.example.com', 'certificate.pem');
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nAAAA');
    const states = Object.fromEntries((await listJson()).map((row) => [row['name'], row['state']]));
    expect(states).toEqual({
      'valid.example.com': 'valid',
      'due.example.com': 'due',
      'expired.example.com': 'expired',
      'early.example.com': 'early',
      'failing.example.com': 'failing',
      'awaited.example.com': 'awaited',
      'damaged.example.com': 'damaged',
    });
    const { stdout } = await run('list');
    expect(stdout).toContain(
      '\n  E_ACME_CHALLENGE: no answer on port 80; next attempt 2040-01-02 03:04 UTC\n',
    );
    expect(stdout).toMatch(/expired\.example\.com .*\(ended 10 days ago\)/);
    // Looking must not set anything aside: that is the gateway's, which obtains it anew.
    expect(await readFile(file, 'utf8')).toContain('AAAA');
  });

  it('includes the files of the configuration, whatever their order', async () => {
    const root = await createTestCertificate({ names: ['Root'], ca: true });
    const leaf = await createTestCertificate({ names: ['files.example.com'], issuer: root });
    const cert = join(state.stateDir, 'chain.pem');
    await writeFile(cert, root.cert + leaf.cert);
    const text = JSON.stringify({
      routes: [{ upstream: 1 }],
      state_dir: state.stateDir,
      tls: {
        certificates: [
          { cert, key: '/absent/key.pem' },
          { cert: '/absent.pem', key: '/absent.key' },
        ],
      },
    });
    const { stdout } = await runCli(['certs', 'list', '--json'], {
      files: { [`${cwd}/breakwater.yaml`]: text },
    });
    expect(JSON.parse(stdout)).toMatchObject({
      certificates: [
        { name: 'files.example.com', origin: 'files', state: 'valid', renewsAt: null },
        { name: '/absent.pem', state: 'damaged', problem: '`/absent.pem` cannot be used: it does not exist' },
      ],
    });
  });

  it('tells what is wrong with the configuration, which a named state directory makes needless', async () => {
    const files = { [`${cwd}/breakwater.yaml`]: 'lisen: 1' };
    expect((await runCli(['certs', 'list'], { files })).stderr).toContain('error[E_CONFIG_UNKNOWN_KEY]');
    expect((await runCli(['certs', 'list', '--state-dir', state.stateDir], { files })).exit).toBe(0);
    expect((await runCli(['certs', 'list', '-c', 'absent.yaml'])).exit).toBe(2);
  });

  it.skipIf(process.getuid?.() === 0)('says that the state directory may not be read', async () => {
    await mkdir(join(state.stateDir, 'certificates'));
    await chmod(join(state.stateDir, 'certificates'), 0o000);
    const { exit, stderr } = await run('list');
    expect([exit, stderr]).toEqual([1, expect.stringContaining('permission denied')]);
  });

  it('attack: text of an authority that steers the terminal', async () => {
    await state.storeRecord('mcp.example.com', {
      failures: 1,
      lastFailure: { code: 'E_ACME_REFUSED', message: 'no\u001b[2Jgone\nfaked line', at: 1 },
    });
    for (const argv of [['list'], ['show', 'mcp.example.com']]) {
      const { stdout } = await run(...argv);
      expect(stdout).toContain('gone?faked line');
      expect(stdout).not.toContain('\u001b');
    }
  });
});

describe('certs show', () => {
  it('shows what there is to know', async () => {
    const { cert } = await state.store('mcp.example.com', { days: 90 });
    const { serialNumber, fingerprint256 } = new X509Certificate(cert);
    await state.storeRecord('mcp.example.com', {
      issuer: 'acme-v02.api.letsencrypt.org-directory',
      obtainedAt: Date.UTC(2030, 0, 1),
      window: {
        serialNumber,
        windowStart: Date.UTC(2030, 1, 1),
        windowEnd: Date.UTC(2030, 1, 3),
        selectedAt: Date.UTC(2030, 1, 2),
        explanationUrl: 'https://ca.example/why',
      },
    });
    const { stdout, exit } = await run('show', 'MCP.example.com.');
    expect(exit).toBe(0);
    const rows = new Map(stdout.split('\n').map((line) => [line.slice(0, 12).trim(), line.slice(14)]));
    expect(Object.fromEntries(rows)).toMatchObject({
      name: 'mcp.example.com',
      state: 'valid',
      origin: 'obtained and renewed over ACME',
      names: 'mcp.example.com',
      issuer: 'CN=Test Intermediate',
      serial: serialNumber,
      key: 'ECDSA P-256',
      fingerprint: `SHA-256 ${fingerprint256}`,
      chain: 'CN=Test Intermediate',
      obtained: 'from acme-v02.api.letsencrypt.org-directory, 2030-01-01 00:00 UTC',
      window: '2030-02-01 00:00 UTC to 2030-02-03 00:00 UTC',
      certificate: join(state.stateDir, 'certificates', 'mcp.example.com', 'certificate.pem'),
    });
    expect(stdout).toContain('because of https://ca.example/why');
    expect(stdout).not.toContain('PRIVATE KEY');
    expect(JSON.parse((await run('show', 'mcp.example.com', '--json')).stdout)).toMatchObject({
      schema: 'breakwater.certs-show/1',
      certificate: { serialNumber, fingerprint256, chain: ['CN=Test Intermediate'] },
    });
  });

  it('passes over a window that is about the certificate before', async () => {
    await state.store('mcp.example.com');
    const window = { serialNumber: '00', windowStart: 1, windowEnd: 2, selectedAt: 1 };
    await state.storeRecord('mcp.example.com', { window });
    expect((await run('show', 'mcp.example.com')).stdout).not.toContain('1970');
  });

  it('finds a wildcard by a name below it', async () => {
    await state.store('*.mcp.example.com');
    const { stdout } = await run('show', 'a.mcp.example.com');
    expect(stdout).toMatch(/^name +\*\.mcp\.example\.com$/m);
    expect((await run('show', 'a.b.mcp.example.com')).exit).toBe(2);
  });

  it('knows the local authority', async () => {
    await useLocalAuthority();
    expect((await run('show', 'local-ca')).stdout).toMatch(/^certificate +.*local-ca\/ca\.pem$/m);
    expect((await run('show', '127.0.0.1')).stdout).toMatch(/^name +localhost$/m);
  });

  it('says which name was probably meant', async () => {
    await state.store('mcp.example.com');
    expect(await run('show', 'mpc.example.com')).toEqual({
      exit: 2,
      stdout: '',
      stderr:
        'error[E_CERT_UNKNOWN]: there is no certificate for `mpc.example.com`\n   = fix: did you mean `mcp.example.com`?\n',
    });
  });
});
