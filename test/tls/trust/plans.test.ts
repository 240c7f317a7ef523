import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatCommand } from '../../../src/tls/trust/command-text.ts';
import { describePlan } from '../../../src/tls/trust/describe-trust.ts';
import { loadAuthorityToTrust, type OwnAuthority } from '../../../src/tls/trust/own-authority.ts';
import { createSystemStore } from '../../../src/tls/trust/system-store.ts';
import { isNothingToDo, planTrust, planUntrust } from '../../../src/tls/trust/trust-plan.ts';
import type { TrustPlatform } from '../../../src/tls/trust/trust-platform.ts';
import type { PlannedStep, TrustAction } from '../../../src/tls/trust/trust-store.ts';
import { createCommandLog, createTrustMachine, type TrustMachine } from '../../support/trust-machine.ts';

let machine: TrustMachine;
let authority: OwnAuthority;
beforeEach(async () => {
  machine = await createTrustMachine();
  authority = await loadAuthorityToTrust({ stateDir: machine.stateDir, now: Date.now() });
});
afterEach(() => machine.clean());

const nothing = createCommandLog(() => undefined);

/** The commands of a plan with the parts that differ from run to run replaced by their names. */
function show(steps: readonly PlannedStep[]): string[] {
  const sha1 = authority.certificate.fingerprint.replaceAll(':', '');
  return steps.map((step) =>
    (step.kind === 'command' ? formatCommand(step) : `directory ${step.path}`)
      .replaceAll(machine.root, '')
      .replaceAll(authority.file, 'CA')
      .replaceAll(authority.mark, 'MARK')
      .replaceAll(sha1, 'SHA1')
      .replaceAll(sha1.toLowerCase(), 'sha1'),
  );
}

async function planSystem(action: TrustAction, platform: Partial<TrustPlatform>): Promise<PlannedStep[]> {
  const store = await createSystemStore({ ...machine.platform, ...platform }, nothing.run);
  return [...store.plan(action, authority)];
}

const families = [
  {
    name: 'Fedora, RHEL',
    anchors: 'etc/pki/ca-trust/source/anchors',
    file: '/etc/pki/ca-trust/source/anchors/breakwater-local-ca-MARK.pem',
    refresh: ['update-ca-trust extract', 'update-ca-trust extract'],
  },
  {
    name: 'openSUSE',
    anchors: 'etc/pki/trust/anchors',
    file: '/etc/pki/trust/anchors/breakwater-local-ca-MARK.pem',
    refresh: ['update-ca-certificates', 'update-ca-certificates'],
  },
  {
    name: 'Arch',
    anchors: 'etc/ca-certificates/trust-source/anchors',
    file: '/etc/ca-certificates/trust-source/anchors/breakwater-local-ca-MARK.crt',
    refresh: ['trust extract-compat', 'trust extract-compat'],
  },
  {
    name: 'Debian, Ubuntu, Alpine',
    anchors: 'usr/local/share/ca-certificates',
    file: '/usr/local/share/ca-certificates/breakwater-local-ca-MARK.crt',
    refresh: ['update-ca-certificates', 'update-ca-certificates --fresh'],
  },
];

describe.each(families)('the plan on $name', ({ name, anchors, file, refresh }) => {
  beforeEach(() => mkdir(join(machine.root, anchors), { recursive: true }));

  it('as root writes the anchor and rebuilds the list, and back', async () => {
    expect(show(await planSystem('trust', {}))).toEqual([
      `tee ${file} < CA`,
      `chmod 0644 ${file}`,
      refresh[0],
    ]);
    expect(show(await planSystem('untrust', {}))).toEqual([`rm -f ${file}`, refresh[1]]);
  });

  it('for a user goes through sudo, and says that it needs root', async () => {
    const steps = await planSystem('trust', { isRoot: false });
    expect(show(steps)).toEqual([`sudo tee ${file} < CA`, `sudo chmod 0644 ${file}`, `sudo ${refresh[0]}`]);
    expect(steps.map(({ needsRoot }) => needsRoot)).toEqual([true, true, true]);
    expect(show(await planSystem('untrust', { isRoot: false }))).toEqual([
      `sudo rm -f ${file}`,
      `sudo ${refresh[1]}`,
    ]);
  });

  it('names the family', async () => {
    expect((await createSystemStore(machine.platform, nothing.run)).title).toBe(`system (${name})`);
  });
});

describe('the plan on macOS', () => {
  it('puts the certificate into the system keychain, and takes trust and certificate away', async () => {
    expect(show(await planSystem('trust', { os: 'darwin', isRoot: false }))).toEqual([
      'sudo /usr/bin/security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain CA',
    ]);
    expect(show(await planSystem('untrust', { os: 'darwin', isRoot: true }))).toEqual([
      '/usr/bin/security remove-trusted-cert -d CA',
      '/usr/bin/security delete-certificate -Z SHA1 /Library/Keychains/System.keychain',
    ]);
  });
});

describe('the plan on Windows', () => {
  it('uses the list of the user by the program of Windows, not by the one of NSS', async () => {
    const windows = { os: 'win32', isRoot: false, root: String.raw`C:\Windows` } as const;
    const program = String.raw`'C:\Windows\System32\certutil.exe'`;
    const trust = await planSystem('trust', windows);
    expect(show(trust)).toEqual([`${program} -user -addstore Root CA`]);
    expect(trust.map(({ needsRoot }) => needsRoot)).toEqual([false]);
    expect(show(await planSystem('untrust', windows))).toEqual([`${program} -user -delstore Root sha1`]);
  });
});

describe('a machine without stores of a known form', () => {
  it.each(['linux', 'freebsd'] as const)('on %s says so and has nothing to do', async (os) => {
    const options = { stateDir: machine.stateDir, platform: { ...machine.platform, os }, run: nothing.run };
    const plan = await planUntrust(options);
    expect(plan.stores.every(({ kind }) => kind === 'absent')).toBe(true);
    expect(isNothingToDo(plan)).toBe(true);
    expect(describePlan(plan).join('\n')).toContain(`Stop trusting ${authority.name}`);
  });

  it('has nothing to take back where there is no authority', async () => {
    const plan = await planUntrust({ stateDir: join(machine.directory, 'none'), platform: machine.platform });
    expect(isNothingToDo(plan)).toBe(true);
    expect(describePlan(plan)).toEqual([
      `There is no local certificate authority in ${machine.directory}/none.`,
    ]);
  });
});

describe('a whole plan', () => {
  it('runs no program that changes something', async () => {
    await mkdir(join(machine.root, 'usr/local/share/ca-certificates'), { recursive: true });
    await machine.install('usr/bin/chromium');
    const log = createCommandLog(() => ({}));
    const options = { stateDir: machine.stateDir, now: Date.now(), platform: machine.platform, run: log.run };
    const plan = await planTrust(options);
    expect(plan.stores.map(({ id, kind }) => [id, kind])).toEqual([
      ['system', 'change'],
      [`nss:${machine.home}/.pki/nssdb`, 'change'],
      ['nss:firefox', 'absent'],
    ]);
    expect(log.calls).toEqual(['certutil -H']);
  });

  it('under sudo says whose browsers it means', async () => {
    const platform = { ...machine.platform, sudoUser: 'ann' };
    const plan = await planTrust({ stateDir: machine.stateDir, now: Date.now(), platform, run: nothing.run });
    expect(describePlan(plan).at(-1)).toMatch(/Run it as ann without sudo/);
  });

  it.each(['darwin', 'win32'] as const)('leaves Firefox on %s to the list of the system', async (os) => {
    const log = createCommandLog((command) => (command === 'certutil' ? undefined : {}));
    const platform = { ...machine.platform, os };
    const plan = await planTrust({ stateDir: machine.stateDir, now: Date.now(), platform, run: log.run });
    expect(plan.stores.find(({ id }) => id === 'nss:firefox')).toMatchObject({
      kind: 'absent',
      reason: expect.stringContaining('what the system trusts'),
    });
  });
});
