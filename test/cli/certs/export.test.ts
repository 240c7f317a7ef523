import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadLocalAuthority } from '../../../src/tls/local-ca/local-ca.ts';
import { runCli, type Outcome } from '../capture-io.ts';
import { createTestState, type TestState } from './state.ts';

const name = 'mcp.example.com';

let state: TestState;
let out: string;
beforeEach(async () => {
  state = await createTestState();
  out = join(state.stateDir, 'out');
});
afterEach(() => state.clean());

const run = (...argv: string[]): Promise<Outcome> =>
  runCli(['certs', 'export', ...argv, '--state-dir', state.stateDir]);

describe('certs export', () => {
  it('writes the chain, and the key for the owner alone', async () => {
    const leaf = await state.store(name);
    expect(await run(name, '--out', out)).toEqual({
      exit: 0,
      stdout: '',
      stderr: `wrote ${out}/cert.pem\nwrote ${out}/key.pem\n`,
    });
    const [cert, key] = await Promise.all([
      readFile(join(out, 'cert.pem'), 'utf8'),
      readFile(join(out, 'key.pem'), 'utf8'),
    ]);
    expect(cert.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(key).toBe(leaf.key);
    expect((await stat(join(out, 'key.pem'))).mode & 0o777).toBe(0o600);
  });

  it('replaces nothing unless it is told to', async () => {
    await state.store(name);
    await run(name, '--out', out);
    const file = join(out, 'key.pem');
    await writeFile(file, 'precious');
    const { exit, stderr } = await run(name, '--out', out);
    expect([exit, stderr]).toEqual([6, expect.stringContaining('error[E_CERT_FILE_EXISTS]')]);
    expect(await readFile(file, 'utf8')).toBe('precious');
    expect((await run(name, '--out', out, '--force')).exit).toBe(0);
    expect(await readFile(file, 'utf8')).toContain('PRIVATE KEY');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('attack: a link in the place of a file leads the key elsewhere', async () => {
    await state.store(name);
    const victim = join(state.stateDir, 'victim');
    await mkdir(out);
    await symlink(victim, join(out, 'key.pem'));
    expect((await run(name, '--out', out)).exit).toBe(6);
    await expect(stat(victim)).rejects.toThrow('ENOENT');
    // Told to replace, it replaces the link and not what that leads to.
    expect((await run(name, '--out', out, '--force')).exit).toBe(0);
    await expect(stat(victim)).rejects.toThrow('ENOENT');
  });

  it('prints to standard output', async () => {
    const leaf = await state.store(name);
    const { stdout } = await run(name, '--out', '-');
    expect(stdout.startsWith(leaf.cert)).toBe(true);
    expect(stdout.endsWith(leaf.key)).toBe(true);
    expect(JSON.parse((await run(name, '--out', '-', '--json')).stdout)).toMatchObject({
      schema: 'breakwater.certs-export/1',
      contents: { 'key.pem': leaf.key },
    });
  });

  it('attack: the key of the local authority leaves the state directory', async () => {
    await loadLocalAuthority({ stateDir: state.stateDir, now: Date.now() });
    const { stdout } = await run('local-ca', '--out', '-');
    expect(stdout).toContain('BEGIN CERTIFICATE');
    expect(stdout).not.toContain('KEY');
  });

  it('refuses what is not there, or not whole', async () => {
    await state.storeRecord('awaited.example.com', {});
    expect((await run('awaited.example.com', '--out', out)).stderr).toContain('still being obtained');
    await state.store(name);
    const file = join(state.stateDir, 'certificates', name, 'certificate.pem');
    const other = await state.store('other.example.com');
    const { 0: head = '' } = /^[^]*?-----END PRIVATE KEY-----\n/.exec(await readFile(file, 'utf8')) ?? [];
    await writeFile(file, (await readFile(file, 'utf8')).replace(head, other.key));
    const { exit, stderr } = await run(name, '--out', out);
    expect([exit, stderr]).toEqual([1, expect.stringContaining('error[E_CERT_STATE]')]);
  });
});
