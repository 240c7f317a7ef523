import type { ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestCertificate } from '../support/certificates.ts';
import {
  createProgramRuns,
  readFirstLine,
  readOutcome,
  type Outcome,
  type ProgramRuns,
} from '../support/program-runs.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

let directory: string;
let upstream: ScriptedUpstream;
let runs: ProgramRuns;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'breakwater-up-'));
  upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
  runs = createProgramRuns(directory);
});
afterEach(async () => {
  runs.kill();
  await upstream.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs `breakwater up` on a free loopback port in the test's own directory. */
function up(...args: string[]): ChildProcess {
  const own = [
    '--state-dir',
    join(directory, 'state'),
    ...(args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']),
  ];
  return runs.start('up', ...args, ...own);
}

async function writeCertificate(
  options: Parameters<typeof createTestCertificate>[0],
): Promise<{ cert: string; key: string }> {
  const made = await createTestCertificate(options);
  const cert = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  await writeFile(cert, made.cert);
  await writeFile(key, made.key, { mode: 0o600 });
  return { cert, key };
}

describe('breakwater up', () => {
  it('prints the URL alone on stdout, a banner that starts with the audience, and serves until SIGTERM', async () => {
    const child = up(String(upstream.port));
    const done = readOutcome(child);
    const url = await readFirstLine(child);
    expect(url).toMatch(/^https:\/\/localhost:\d+\/mcp$/);
    const ca = await readFile(join(directory, 'state/local-ca/ca.pem'), 'utf8');
    const client = await connectRaw({ port: Number(new URL(url).port), ca });
    client.send(buildPost(ping));
    await client.until((received) => received.includes('"result"'));
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await done;
    expect(code).toBe(0);
    expect(stdout).toBe(`${url}\n`);
    const banner = stderr.split('\n').filter((line) => !line.startsWith('{'));
    expect(banner[0]).toMatch(/^PRIVATE {2}breakwater /);
    expect(banner.length).toBeLessThanOrEqual(13);
    expect(stderr).toContain('"status":200');
  });

  it('--auth key makes a key once, shows it once, and keeps only its digest', async () => {
    const child = up(String(upstream.port), '--auth', 'key');
    const done = readOutcome(child);
    const url = await readFirstLine(child);
    const ca = await readFile(join(directory, 'state/local-ca/ca.pem'), 'utf8');
    const client = await connectRaw({ port: Number(new URL(url).port), ca });
    client.send(buildPost(ping));
    expect(await client.until((received) => received.includes('E_AUTH_REQUIRED'))).toMatch(
      /^HTTP\/1\.1 401 /,
    );
    client.socket.destroy();
    child.kill('SIGTERM');
    const key = /bwk_\S+/.exec((await done).stderr)?.[0] ?? '';
    expect(key).toMatch(/^bwk_[\w-]{43}_[\da-f]{8}$/);
    expect(await readFile(join(directory, 'state/breakwater.db'), 'latin1')).not.toContain(key);

    const again = up(String(upstream.port), '--auth', 'key');
    const doneAgain = readOutcome(again);
    const second = await connectRaw({ port: Number(new URL(await readFirstLine(again)).port), ca });
    second.send(buildPost(ping, { fields: `Authorization: Bearer ${key}\r\n` }));
    await second.until((received) => received.includes('"result"'));
    again.kill('SIGTERM');
    expect((await doneAgain).stderr).not.toContain('bwk_');
    expect(upstream.bytes).not.toContain('bwk_');
  });

  it('says that the upstream is down, and starts all the same', async () => {
    const { port } = upstream;
    await upstream.stop();
    const child = up(String(port));
    const done = readOutcome(child);
    await readFirstLine(child);
    child.kill('SIGTERM');
    const { code, stderr } = await done;
    expect(code).toBe(0);
    expect(stderr).toContain('is down (ECONNREFUSED): calls answer 502 until it starts');
  });
});

describe('what keeps `up` from starting: one clear error, no stack trace', () => {
  const refused = async (...args: string[]): Promise<Outcome> => {
    const result = await readOutcome(up(...args));
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toMatch(/\n\s+at /);
    return result;
  };

  it('a port in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo; // A TCP server has an address object.
    const { code, stderr } = await refused(String(upstream.port), '--listen', `127.0.0.1:${port}`);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`error[E_LISTEN_IN_USE]: 127.0.0.1:${port} is in use`);
  });

  it('an address of another machine', async () => {
    const { code, stderr } = await refused(
      String(upstream.port),
      '--listen',
      '192.0.2.1:8443',
      '--auth',
      'key',
    );
    expect(code).toBe(2);
    expect(stderr).toContain('E_LISTEN_ADDRESS');
  });

  it('a public address without access control', async () => {
    const { code, stderr } = await refused(String(upstream.port), '--listen', '0.0.0.0:0');
    expect(code).toBe(6);
    expect(stderr).toContain('E_PUBLIC_WITHOUT_AUTH');
  });

  it('control: the danger flag opens it', async () => {
    const child = up(String(upstream.port), '--listen', '0.0.0.0:0', '--danger-allow-public');
    const done = readOutcome(child);
    await readFirstLine(child);
    child.kill('SIGTERM');
    expect((await done).stderr).toMatch(/^(?:warning[\s\S]*\n)?PUBLIC {2}breakwater/m);
  });

  it('a key that is missing, and one that does not match', async () => {
    const { cert, key } = await writeCertificate({ names: ['localhost'] });
    const missing = await refused(String(upstream.port), '--cert', cert, '--key', `${key}.not`);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('E_TLS_UNREADABLE');
    // A directory cannot be read as a file by anyone, root included.
    const unreadable = await refused(String(upstream.port), '--cert', cert, '--key', directory);
    expect(unreadable.stderr).toContain('E_TLS_UNREADABLE');
    const other = await createTestCertificate({ names: ['localhost'] });
    await writeFile(key, other.key);
    const mismatched = await refused(String(upstream.port), '--cert', cert, '--key', key);
    expect(mismatched.code).toBe(2);
    expect(mismatched.stderr).toContain('E_TLS_KEY_MISMATCH');
  });

  it.skipIf(process.getuid?.() === 0)(
    'a key that may not be read (not as root, who may read anything)',
    async () => {
      const { cert, key } = await writeCertificate({ names: ['localhost'] });
      await chmod(key, 0);
      expect((await refused(String(upstream.port), '--cert', cert, '--key', key)).stderr).toContain(
        'E_TLS_UNREADABLE',
      );
    },
  );

  it('an access log that cannot be written', async () => {
    const config = join(directory, 'config.yaml');
    await writeFile(config, `log: { access: ${directory} }\n`);
    const { code, stderr } = await refused(String(upstream.port), '--config', config);
    expect(code).toBe(2);
    expect(stderr).toContain('E_LOG_UNWRITABLE');
  });

  it('damaged stored keys', async () => {
    const child = up(String(upstream.port), '--auth', 'key');
    const done = readOutcome(child);
    await readFirstLine(child);
    child.kill('SIGTERM');
    await done;
    await writeFile(join(directory, 'state/keys.json'), '{"keys":[{}]}');
    const { code, stderr } = await refused(String(upstream.port), '--auth', 'key');
    expect(code).toBe(2);
    expect(stderr).toContain('E_AUTH_KEYS_FILE');
  });
});

it('an expired certificate is a warning: it may be replaced while the gateway runs', async () => {
  const day = 86_400_000;
  const { cert, key } = await writeCertificate({
    names: ['localhost'],
    notBefore: Date.now() - 9 * day,
    days: 3,
  });
  const child = up(String(upstream.port), '--cert', cert, '--key', key);
  const done = readOutcome(child);
  await readFirstLine(child);
  child.kill('SIGTERM');
  const { code, stderr } = await done;
  expect(code).toBe(0);
  expect(stderr).toContain('warning[E_TLS_EXPIRED]');
});
