import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/tls/trust/run-command.ts';
import { applyTrust } from '../../../src/tls/trust/trust.ts';
import { planTrust, planUntrust, type TrustOptions } from '../../../src/tls/trust/trust-plan.ts';
import type { StoreResult } from '../../../src/tls/trust/trust-store.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { programsAreMandatory } from '../../support/programs.ts';
import { createCommandLog, createTrustMachine, type TrustMachine } from '../../support/trust-machine.ts';

const isMissing = spawnSync('certutil', ['-H']).error !== undefined;
const isExcused = isMissing && !programsAreMandatory;
const excuse = isMissing ? ' (did not run: no certutil of NSS)' : '';

let machine: TrustMachine;
let options: TrustOptions;

async function start(name?: string): Promise<void> {
  machine = await createTrustMachine({}, name);
  options = { stateDir: machine.stateDir, now: Date.now(), platform: machine.platform };
}

/** Status of each store of a browser, by the end of its id. */
function statuses(results: readonly StoreResult[]): [string, string][] {
  return results
    .filter(({ id }) => id.startsWith('nss:'))
    .map(({ id, status }) => [id.replace(`nss:${machine.home}/`, ''), status]);
}

const trust = async (): Promise<[string, string][]> => statuses(await applyTrust(await planTrust(options)));
const untrust = async (): Promise<[string, string][]> =>
  statuses(await applyTrust(await planUntrust(options)));
const list = async (path: string): Promise<string> =>
  (await runCommand('certutil', ['-L', '-d', `sql:${join(machine.home, path)}`])).stdout;

/** A profile as Firefox makes it: a database that exists already. */
async function createDatabase(path: string): Promise<void> {
  const directory = join(machine.home, path);
  await mkdir(directory, { recursive: true });
  const { status } = await runCommand('certutil', ['-N', '-d', `sql:${directory}`, '--empty-password']);
  expect(status).toBe(0);
}

const shared = '.pki/nssdb';

describe.skipIf(isExcused)(`certutil on a throw-away home directory${excuse}`, () => {
  beforeEach(() => start());
  afterEach(() => machine.clean());

  it('creates the shared database of Chromium, adds once, and removes', async () => {
    await machine.install('usr/bin/chromium');
    expect(await trust()).toEqual([
      [shared, 'done'],
      ['nss:firefox', 'absent'],
    ]);
    expect((await stat(join(machine.home, shared))).mode & 0o777).toBe(0o700);
    expect(await list(shared)).toMatch(/Breakwater local CA [0-9a-f]{8} +C,,/);
    expect(await trust()).toEqual([
      [shared, 'already'],
      ['nss:firefox', 'absent'],
    ]);
    expect(await untrust()).toContainEqual([shared, 'done']);
    expect(await list(shared)).not.toContain('Breakwater');
    expect(await untrust()).toContainEqual([shared, 'already']);
  });

  it('does not lure Chromium away from the database that it uses', async () => {
    await machine.install('usr/bin/chromium');
    await createDatabase('.local/share/pki/nssdb');
    expect(await trust()).toEqual([
      ['.local/share/pki/nssdb', 'done'],
      ['nss:firefox', 'absent'],
    ]);
    expect(existsSync(join(machine.home, '.pki'))).toBe(false);
  });

  it('looks where the directories of the user are', async () => {
    const platform = {
      ...machine.platform,
      dataHome: join(machine.home, 'data'),
      configHome: join(machine.home, 'config'),
    };
    options = { ...options, platform };
    await createDatabase('data/pki/nssdb');
    await createDatabase('config/mozilla/firefox/abc.default');
    expect(await trust()).toEqual([
      ['data/pki/nssdb', 'done'],
      ['config/mozilla/firefox/abc.default', 'done'],
    ]);
  });

  it('creates nothing where no Chromium is installed', async () => {
    expect(await trust()).toEqual([
      ['nss:chromium', 'absent'],
      ['nss:firefox', 'absent'],
    ]);
    expect(await readdir(machine.home)).toEqual([]);
  });

  it('finds every profile of Firefox, of snap and of Flatpak', async () => {
    const profiles = [
      '.mozilla/firefox/abc.default-release',
      '.config/mozilla/firefox/def.default',
      'snap/firefox/common/.mozilla/firefox/ghi.default',
      '.var/app/org.mozilla.firefox/.mozilla/firefox/jkl.default',
    ];
    for (const path of [...profiles, 'snap/chromium/current/.pki/nssdb']) await createDatabase(path);
    await mkdir(join(machine.home, '.mozilla/firefox/Crash Reports'));
    await writeFile(join(machine.home, '.mozilla/firefox/profiles.ini'), '');
    expect(await trust()).toEqual(
      ['snap/chromium/current/.pki/nssdb', ...profiles].map((path) => [path, 'done']),
    );
    for (const path of profiles) expect(await list(path)).toContain('Breakwater local CA');
    expect((await untrust()).map(([, status]) => status)).toEqual(Array.from({ length: 5 }, () => 'done'));
    for (const path of profiles) expect(await list(path)).not.toContain('Breakwater');
  });

  it('gives trust to a certificate that is there without it', async () => {
    await createDatabase(shared);
    await trust();
    const [, name = ''] = /(Breakwater local CA [0-9a-f]{8})/.exec(await list(shared)) ?? [];
    await runCommand('certutil', ['-M', '-d', `sql:${join(machine.home, shared)}`, '-n', name, '-t', ',,']);
    expect(await list(shared)).toMatch(/Breakwater local CA [0-9a-f]{8} +,,/);
    expect(await trust()).toContainEqual([shared, 'done']);
    expect(await list(shared)).toMatch(/Breakwater local CA [0-9a-f]{8} +C,,/);
  });

  it('leaves the certificates of others alone', async () => {
    await createDatabase(shared);
    const { cert } = await createTestCertificate({ names: ['Example Root'], ca: true });
    const add = ['-A', '-d', `sql:${join(machine.home, shared)}`, '-n', 'Example Root', '-t', 'C,,', '-a'];
    await runCommand('certutil', add, cert);
    await trust();
    await untrust();
    expect(await list(shared)).toMatch(/Example Root +C,,/);
  });

  it('reports a damaged database, and goes on with the others', async () => {
    await createDatabase(shared);
    await createDatabase('.mozilla/firefox/abc.default');
    await writeFile(join(machine.home, shared, 'cert9.db'), 'not a database at all');
    const results = await applyTrust(await planTrust(options));
    expect(statuses(results)).toEqual([
      [shared, 'failed'],
      ['.mozilla/firefox/abc.default', 'done'],
    ]);
    expect(results.find(({ id }) => id.endsWith(shared))).toMatchObject({
      error: { code: 'E_TRUST_STORE', message: expect.stringMatching(/certutil/) },
    });
  });

  it('cannot be made to run commands by a home directory with quotes, newlines and shell syntax in its name', async () => {
    await machine.clean();
    await start(`it's "a"\n$(touch pwned)\`touch pwned\`; touch pwned #\u001B[2J -d x`);
    await machine.install('usr/bin/chromium');
    expect(await trust()).toContainEqual([shared, 'done']);
    expect(await list(shared)).toContain('Breakwater local CA');
    expect(await untrust()).toContainEqual([shared, 'done']);
    expect(existsSync('pwned')).toBe(false);
    expect(await readdir(machine.directory)).toHaveLength(1);
  });
});

describe('without certutil', () => {
  beforeEach(() => start());
  afterEach(() => machine.clean());

  it('fails with the names of the packages, and touches nothing', async () => {
    await machine.install('usr/bin/chromium');
    const log = createCommandLog(() => undefined);
    const results = await applyTrust(await planTrust({ ...options, run: log.run }));
    expect(results.find(({ id }) => id.endsWith(shared))).toMatchObject({
      status: 'failed',
      error: { code: 'E_TRUST_STORE', hint: expect.stringMatching(/libnss3-tools.*nss-tools.*nss/) },
    });
    expect(await readdir(machine.home)).toEqual([]);
    await rm(join(machine.root, 'usr'), { recursive: true });
  });
});
