import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describePlan, describeResults } from '../../../src/tls/trust/describe-trust.ts';
import { applyTrust } from '../../../src/tls/trust/trust.ts';
import { planTrust, planUntrust, type TrustOptions } from '../../../src/tls/trust/trust-plan.ts';
import type { CommandResult } from '../../../src/tls/trust/run-command.ts';
import type { TrustPlatform } from '../../../src/tls/trust/trust-platform.ts';
import type { StoreResult } from '../../../src/tls/trust/trust-store.ts';
import {
  createCommandLog,
  createTrustMachine,
  writeAuthority,
  type CommandLog,
  type TrustMachine,
} from '../../support/trust-machine.ts';

let machine: TrustMachine;
beforeEach(async () => {
  machine = await createTrustMachine();
  await writeAuthority(machine.stateDir);
});
afterEach(() => machine.clean());

function buildOptions(log: CommandLog, platform: Partial<TrustPlatform>): TrustOptions {
  const { stateDir } = machine;
  return { stateDir, now: Date.now(), platform: { ...machine.platform, ...platform }, run: log.run };
}

const system = (results: readonly StoreResult[]): StoreResult | undefined =>
  results.find(({ id }) => id === 'system');

/** What the fake keychain holds, and what it answers with. */
interface Keychain {
  stored: boolean;
  trusted: boolean;
  sha1?: string | undefined;
  name?: string | undefined;
}

/** `security` of macOS, with a keychain and trust settings in memory. */
function createSecurity(keychain: Keychain): CommandLog {
  const noSettings = {
    status: 1,
    stderr: 'SecTrustSettingsCopyCertificates: No Trust Settings were found.\n',
  };
  const subcommands: Readonly<Record<string, () => Partial<CommandResult>>> = {
    'find-certificate': () =>
      keychain.stored ? { stdout: `SHA-1 hash: ${keychain.sha1}\n` } : { status: 44 },
    'dump-trust-settings': () =>
      keychain.trusted ? { stdout: `Number of trusted certs = 1\nCert 0: ${keychain.name}\n` } : noSettings,
    'add-trusted-cert'() {
      Object.assign(keychain, { stored: true, trusted: true });
      return {};
    },
    'remove-trusted-cert'() {
      const status = keychain.trusted ? 0 : 1;
      keychain.trusted = false;
      return { status };
    },
    'delete-certificate'() {
      keychain.stored = false;
      return {};
    },
  };
  return createCommandLog((command, args) =>
    command === '/usr/bin/security' ? (subcommands[args[0] ?? '']?.() ?? { status: 2 }) : undefined,
  );
}

describe('macOS', () => {
  it('adds, knows what it added, and removes certificate and trust', async () => {
    const keychain: Keychain = { stored: false, trusted: false };
    const options = buildOptions(createSecurity(keychain), { os: 'darwin' });
    const plan = await planTrust(options);
    Object.assign(keychain, {
      sha1: plan.authority?.certificate.fingerprint.replaceAll(':', ''),
      name: plan.authority?.name,
    });
    expect(system(await applyTrust(plan))).toMatchObject({ status: 'done' });
    expect(system(await applyTrust(await planTrust(options)))).toMatchObject({ status: 'already' });
    expect(system(await applyTrust(await planUntrust(options)))).toMatchObject({ status: 'done' });
    expect([keychain.stored, keychain.trusted]).toEqual([false, false]);
    expect(system(await applyTrust(await planUntrust(options)))).toMatchObject({ status: 'already' });
  });

  it('removes a certificate whose trust was already taken back by hand', async () => {
    const keychain: Keychain = { stored: false, trusted: false };
    const options = buildOptions(createSecurity(keychain), { os: 'darwin' });
    const { authority } = await planTrust(options);
    const sha1 = authority?.certificate.fingerprint.replaceAll(':', '');
    Object.assign(keychain, { sha1, stored: true });
    expect(system(await applyTrust(await planUntrust(options)))).toMatchObject({ status: 'done' });
    expect(keychain.stored).toBe(false);
  });
});

describe('Windows', () => {
  it('adds and removes by fingerprint', async () => {
    let isStored = false;
    const log = createCommandLog((command, args) => {
      if (!command.endsWith('certutil.exe')) return undefined;
      if (args.includes('-addstore')) isStored = true;
      if (args.includes('-delstore')) isStored = false;
      return { status: args.includes('-store') && !isStored ? 1 : 0 };
    });
    const options = buildOptions(log, { os: 'win32', root: String.raw`C:\Windows` });
    expect(system(await applyTrust(await planTrust(options)))).toMatchObject({ status: 'done' });
    expect(isStored).toBe(true);
    expect(system(await applyTrust(await planUntrust(options)))).toMatchObject({ status: 'done' });
    expect(isStored).toBe(false);
  });

  it('does not believe a program that says yes and does nothing', async () => {
    const log = createCommandLog((command, args) =>
      command.endsWith('certutil.exe') ? { status: args.includes('-store') ? 1 : 0 } : undefined,
    );
    const options = buildOptions(log, { os: 'win32', root: String.raw`C:\Windows` });
    expect(system(await applyTrust(await planTrust(options)))).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('does not hold the certificate') },
    });
  });
});

describe('a user without sudo', () => {
  it('gets the commands for root, and the other stores get their turn', async () => {
    await mkdir(join(machine.root, 'usr/local/share/ca-certificates'), { recursive: true });
    const log = createCommandLog(() => undefined);
    const results = await applyTrust(await planTrust(buildOptions(log, { isRoot: false })));
    expect(system(results)).toMatchObject({
      status: 'failed',
      error: { message: '`sudo` is not installed', hint: expect.stringMatching(/^run as root: tee /) },
    });
    expect(results.at(-1)).toMatchObject({ id: 'bundle', status: 'done' });
    expect(describeResults(results).join('\n')).toMatch(/failed {3}system .+\n +fix: run as root: tee /);
  });
});

describe('an authority that is swapped between plan and consent', () => {
  it('is not trusted', async () => {
    const log = createCommandLog(() => ({}));
    const plan = await planTrust(buildOptions(log, { os: 'darwin' }));
    const before = log.calls.length;
    await rm(join(machine.stateDir, 'local-ca'), { recursive: true });
    await writeAuthority(machine.stateDir);
    await expect(applyTrust(plan)).rejects.toMatchObject({ code: 'E_TLS_STATE' });
    expect(log.calls).toHaveLength(before);
  });

  it('is not trusted when something was put behind it', async () => {
    const log = createCommandLog(() => ({}));
    const plan = await planTrust(buildOptions(log, { os: 'darwin' }));
    const { file = '', pem = '' } = plan.authority ?? {};
    await writeFile(file, pem + pem);
    await expect(applyTrust(plan)).rejects.toMatchObject({ code: 'E_TLS_STATE' });
  });

  it('would get the text that was checked, wherever a program reads it from standard input', async () => {
    await mkdir(join(machine.root, 'usr/local/share/ca-certificates'), { recursive: true });
    const inputs: (string | undefined)[] = [];
    const log = createCommandLog((command, _args, input) => {
      if (command === 'tee') inputs.push(input);
      return {};
    });
    const plan = await planTrust(buildOptions(log, {}));
    await applyTrust(plan);
    expect(inputs).toEqual([plan.authority?.pem]);
  });
});

describe('the text of a plan', () => {
  it('cannot be forged by a state directory with newlines and terminal codes in its name', async () => {
    const hostile = await createTrustMachine(
      { isRoot: false },
      'x\n  system\u001B[2J\n    nothing to do\u202E',
    );
    try {
      await mkdir(join(hostile.root, 'usr/local/share/ca-certificates'), { recursive: true });
      const options = { stateDir: hostile.stateDir, now: Date.now(), platform: hostile.platform };
      const log = createCommandLog(() => undefined);
      const lines = describePlan(await planTrust({ ...options, run: log.run }));
      expect(lines.filter((line) => /[\p{Cc}\u202E]/u.test(line))).toEqual([]);
      expect(lines.filter((line) => line === '    nothing to do')).toEqual([]);
      // Three commands of the system's store, none of them lost.
      expect(lines.filter((line) => line.startsWith('      sudo '))).toHaveLength(3);
    } finally {
      await hostile.clean();
    }
  });
});
