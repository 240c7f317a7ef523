import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyTrust } from '../../../src/tls/trust/trust.ts';
import { planTrust, planUntrust, type TrustOptions } from '../../../src/tls/trust/trust-plan.ts';
import type { StoreResult } from '../../../src/tls/trust/trust-store.ts';
import { programsAreMandatory } from '../../support/programs.ts';
import { createDebianRun, createTrustMachine, type TrustMachine } from '../../support/trust-machine.ts';

const isExcused = !existsSync('/usr/sbin/update-ca-certificates') && !programsAreMandatory;
const excuse = isExcused ? ' (did not run: no update-ca-certificates)' : '';

describe.skipIf(isExcused)(`Debian's own program on throw-away directories${excuse}`, () => {
  let machine: TrustMachine;
  let options: TrustOptions;
  const etc = (): string => join(machine.root, 'etc/ssl/certs');
  const listEtc = async (): Promise<string[]> =>
    (await readdir(etc())).toSorted((a, b) => a.localeCompare(b));
  const readBundle = (): Promise<string> => readFile(join(etc(), 'ca-certificates.crt'), 'utf8');
  const anchor = (): Promise<string[]> => readdir(join(machine.root, 'usr/local/share/ca-certificates'));

  beforeEach(async () => {
    machine = await createTrustMachine();
    const paths = ['usr/local/share/ca-certificates', 'usr/share/ca-certificates/mozilla', 'etc/ssl/certs'];
    for (const path of paths) await mkdir(join(machine.root, path), { recursive: true });
    await writeFile(
      join(machine.root, 'usr/share/ca-certificates/mozilla/one.crt'),
      rootCertificates[0] ?? '',
    );
    await writeFile(join(machine.root, 'etc/ca-certificates.conf'), 'mozilla/one.crt\n');
    const run = createDebianRun(machine);
    await run('update-ca-certificates', []);
    options = { stateDir: machine.stateDir, now: Date.now(), platform: machine.platform, run };
  });
  afterEach(() => machine.clean());

  const system = (results: readonly StoreResult[]): StoreResult | undefined =>
    results.find(({ id }) => id === 'system');
  const trust = async (): Promise<StoreResult | undefined> =>
    system(await applyTrust(await planTrust(options)));
  const untrust = async (): Promise<StoreResult | undefined> =>
    system(await applyTrust(await planUntrust(options)));

  it('adds the authority once, and removes every trace of it', async () => {
    const before = { etc: await listEtc(), bundle: await readBundle() };
    expect(before.bundle).toContain((rootCertificates[0] ?? '').trim());

    expect(await trust()).toMatchObject({ status: 'done' });
    const pem = await readFile(join(machine.stateDir, 'local-ca/ca.pem'), 'utf8');
    expect(await readBundle()).toContain(pem.trim());
    expect(await anchor()).toHaveLength(1);
    expect(await trust()).toMatchObject({ status: 'already' });

    expect(await untrust()).toMatchObject({ status: 'done' });
    expect(await anchor()).toEqual([]);
    expect({ etc: await listEtc(), bundle: await readBundle() }).toEqual(before);
    expect(await untrust()).toMatchObject({ status: 'already' });
  });

  it('finishes what was begun: an anchor that the list does not know yet', async () => {
    await trust();
    const [name = ''] = await anchor();
    const path = join(machine.root, 'usr/local/share/ca-certificates', name);
    const pem = await readFile(path, 'utf8');
    await untrust();
    await writeFile(path, pem);
    expect(await trust()).toMatchObject({ status: 'done' });
    expect(await readBundle()).toContain(pem.trim());
  });

  it('takes away what a half-done removal left behind', async () => {
    await trust();
    const [name = ''] = await anchor();
    await rm(join(machine.root, 'usr/local/share/ca-certificates', name));
    expect(await untrust()).toMatchObject({ status: 'done' });
    expect((await listEtc()).filter((entry) => entry.startsWith('breakwater'))).toEqual([]);
  });

  it('takes away the link that Debian forgets when the list was rebuilt by hand', async () => {
    await trust();
    const [name = ''] = await anchor();
    await rm(join(machine.root, 'usr/local/share/ca-certificates', name));
    await createDebianRun(machine)('update-ca-certificates', []);
    const countLinks = async (): Promise<number> =>
      (await listEtc()).filter((entry) => entry.startsWith('breakwater')).length;
    expect(await countLinks()).toBe(1);
    expect(await untrust()).toMatchObject({ status: 'done' });
    expect(await countLinks()).toBe(0);
  });

  it('lets everybody read the anchor, whatever the umask', async () => {
    const umask = process.umask(0o077);
    try {
      await trust();
    } finally {
      process.umask(umask);
    }
    const [name = ''] = await anchor();
    const { mode } = await stat(join(machine.root, 'usr/local/share/ca-certificates', name));
    expect(mode & 0o777).toBe(0o644);
  });

  it('reports a program that fails with its words, and the commands to run by hand', async () => {
    const failing: TrustOptions = {
      ...options,
      run: (command, args, input) =>
        command === 'update-ca-certificates'
          ? Promise.resolve({ status: 1, stdout: '', stderr: 'disk \u001B[31mfull\n' })
          : createDebianRun(machine)(command, args, input),
    };
    const result = system(await applyTrust(await planTrust(failing)));
    expect(result).toMatchObject({
      status: 'failed',
      error: {
        code: 'E_TRUST_STORE',
        message: '`update-ca-certificates` failed: disk [31mfull',
        hint: expect.stringMatching(/^run as root: tee .+ && chmod 0644 .+ && update-ca-certificates$/),
      },
    });
    // The next attempt is not fooled by the anchor that is already there.
    expect(await trust()).toMatchObject({ status: 'done' });
  });
});
