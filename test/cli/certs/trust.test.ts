import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContext } from '../../../src/cli/context.ts';
import { runTrust, type TrustCommandOptions } from '../../../src/cli/certs/trust.ts';
import { reportFailure, toFailure } from '../../../src/cli/failure.ts';
import type { RunCommand } from '../../../src/tls/trust/run-command.ts';
import { createTrustMachine, type TrustMachine } from '../../support/trust-machine.ts';
import { capture, runCli, type Outcome } from '../capture-io.ts';

let machine: TrustMachine;
beforeEach(async () => {
  machine = await createTrustMachine();
});
afterEach(() => machine.clean());

/** No program is installed on the machine, so that only the bundle can change. */
const nothingInstalled: RunCommand = () => Promise.resolve({ status: 127, stdout: '', stderr: 'ENOENT' });

function trust(
  options: Partial<TrustCommandOptions>,
  { answers, argv = [] }: { readonly answers?: readonly string[]; readonly argv?: readonly string[] } = {},
): Promise<Outcome> {
  return capture(
    async (io) => {
      const context = createContext(argv, io);
      try {
        return await runTrust(
          { action: 'trust', yes: false, dryRun: false, stateDir: machine.stateDir, ...options },
          context,
          { platform: machine.platform, run: nothingInstalled },
        );
      } catch (error) {
        return reportFailure(toFailure(error), context);
      }
    },
    answers === undefined ? {} : { answers },
  );
}

const bundle = (): Promise<string> => readFile(join(machine.stateDir, 'local-ca', 'bundle.pem'), 'utf8');

describe('certs trust', () => {
  it('shows the plan, asks, does it, and prints what other programs need', async () => {
    const { exit, stdout, stderr } = await trust({}, { answers: ['y'] });
    expect(exit).toBe(0);
    const [plan = '', done = ''] = stderr.split('Trust it? [y/N] ');
    expect(plan).toMatch(/^Trust Breakwater local CA [0-9a-f]{8}, valid until /);
    expect(plan).toContain('bundle.pem');
    expect(done).toMatch(/^ {2}done {5}bundle of all roots$/m);
    expect(stdout).toContain(`export NODE_EXTRA_CA_CERTS=${join(machine.stateDir, 'local-ca', 'ca.pem')}\n`);
    expect(await bundle()).toContain('BEGIN CERTIFICATE');
  });

  it.each([[['n']], [['']], [['yesterday']]])(
    'attack: trust that nobody wanted, answered %j',
    async (answers) => {
      const { exit, stderr } = await trust({}, { answers });
      expect([exit, stderr]).toEqual([6, expect.stringContaining('error[E_TRUST_UNCONFIRMED]')]);
      await expect(bundle()).rejects.toThrow('ENOENT');
    },
  );

  it.each([[[]], [['--json']]])('attack: trust that nobody could be asked for, with %j', async (argv) => {
    const { exit, stdout, stderr } = await trust({}, { argv });
    expect([exit, stdout, stderr]).toEqual([6, '', expect.stringContaining('E_TRUST_UNCONFIRMED')]);
    await expect(bundle()).rejects.toThrow('ENOENT');
  });

  it('control: --yes is enough, and the second time there is nothing to do or to ask', async () => {
    expect((await trust({ yes: true })).exit).toBe(0);
    const { exit, stderr } = await trust({});
    expect([exit, stderr]).toEqual([0, expect.stringMatching(/^ {2}already {2}bundle of all roots$/m)]);
  });

  it('changes no store in a dry run', async () => {
    const { exit, stdout, stderr } = await trust({ dryRun: true });
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toContain('write `');
    await expect(bundle()).rejects.toThrow('ENOENT');
    const json = JSON.parse((await trust({ dryRun: true }, { argv: ['--json'] })).stdout) as unknown;
    expect(json).toMatchObject({
      schema: 'breakwater.certs-trust/1',
      plan: { bundle: { kind: 'write' }, stores: expect.any(Array) },
    });
  });

  it('tells a program what was done', async () => {
    const { exit, stdout } = await trust({ yes: true }, { argv: ['--json'] });
    expect(exit).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'breakwater.certs-trust/1',
      stores: expect.arrayContaining([{ id: 'bundle', title: 'bundle of all roots', status: 'done' }]),
      environment: { NODE_EXTRA_CA_CERTS: expect.stringContaining('ca.pem') },
    });
  });
});

describe('certs trust where a store fails', () => {
  const failing: RunCommand = () => Promise.resolve({ status: 1, stdout: '', stderr: 'no permission' });
  const attempt = (argv: readonly string[]): Promise<Outcome> =>
    capture((io) =>
      runTrust(
        { action: 'trust', yes: true, dryRun: false, stateDir: machine.stateDir },
        createContext(argv, io),
        { platform: machine.platform, run: failing },
      ),
    );

  beforeEach(async () => {
    await machine.install('usr/local/share/ca-certificates/other.crt');
    await machine.install('etc/ssl/certs/ca-certificates.crt');
  });

  it('goes on with the others, and ends with 1', async () => {
    const { exit, stderr } = await attempt([]);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^ {2}failed {3}/m);
    expect(stderr).toMatch(/^ {2}done {5}bundle/m);
    const { stderr: line } = await attempt(['--json']);
    expect(JSON.parse(line)).toMatchObject({ error: { code: 'E_TRUST_STORE', exit: 1 } });
  });
});

describe('certs untrust', () => {
  it('undoes it after a question', async () => {
    await trust({ yes: true });
    expect((await trust({ action: 'untrust' })).exit).toBe(6);
    const { exit, stdout, stderr } = await trust({ action: 'untrust' }, { answers: ['yes'] });
    expect([exit, stdout]).toEqual([0, '']);
    expect(stderr).toContain('Go on? [y/N] ');
    await expect(bundle()).rejects.toThrow('ENOENT');
  });

  it('has nothing to do where there is no authority', async () => {
    const { exit, stderr } = await runCli(['certs', 'untrust', '--state-dir', machine.stateDir]);
    expect([exit, stderr]).toEqual([0, `There is no local certificate authority in ${machine.stateDir}.\n`]);
  });
});
