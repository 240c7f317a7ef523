import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContext } from '../../../src/cli/context.ts';
import { runRenew, type RenewOptions } from '../../../src/cli/certs/renew.ts';
import { toFailure, reportFailure } from '../../../src/cli/failure.ts';
import { isRenewalRequested } from '../../../src/tls/automation/renewal-requests.ts';
import { loadLocalAuthority } from '../../../src/tls/local-ca/local-ca.ts';
import { capture, cwd, runCli, type Outcome } from '../capture-io.ts';
import { createTestState, type TestState } from './state.ts';

let state: TestState;
beforeEach(async () => {
  state = await createTestState();
});
afterEach(() => state.clean());

interface Gateway {
  /** Called before each look; takes the place of the gateway's work. */
  readonly onLook?: (look: number) => Promise<void> | void;
  readonly isRunning?: boolean;
}

/** Runs the command with a clock that passes a quarter of a second at each look. */
function renew(
  options: Partial<RenewOptions> = {},
  { onLook, isRunning = true }: Gateway = {},
  argv: readonly string[] = [],
): Promise<Outcome> {
  let now = start;
  let look = 0;
  return capture(async (io) => {
    const context = createContext(argv, io);
    try {
      return await runRenew({ stateDir: state.stateDir, wait: true, ...options }, context, {
        now: () => now,
        async pause(milliseconds) {
          now += milliseconds;
          await onLook?.(++look);
        },
        isAnyPresent: async (stateDir) => stateDir === state.stateDir && isRunning,
      });
    } catch (error) {
      return reportFailure(toFailure(error), context);
    }
  });
}

const start = Date.UTC(2030, 0, 1);
const name = 'mcp.example.com';

describe('certs renew', () => {
  it('asks the gateway and tells each step with its time', async () => {
    await state.store(name);
    await state.storeRecord(name, { obtainedAt: start - 1, failures: 0 });
    const steps = ['account', 'order', 'order', 'challenge', 'issue', 'download'] as const;
    const outcome = await renew(
      { name },
      {
        async onLook(look) {
          if (look === 1) expect(await isRenewalRequested(state.stateDir, name)).toBe(true);
          const step = steps[look - 1];
          if (step === undefined) await state.storeRecord(name, { obtainedAt: start + 1500 });
          else await state.storeRecord(name, { obtainedAt: start - 1, step });
        },
      },
    );
    expect(outcome).toEqual({
      exit: 0,
      stdout: '',
      stderr: [
        `  ${name}: account (0.3 s)`,
        `  ${name}: order (0.5 s)`,
        `  ${name}: proving that the name is ours (1.0 s)`,
        `  ${name}: waiting for the certificate (1.3 s)`,
        `  ${name}: fetching the certificate (1.5 s)`,
        `  ${name}: issued (1.8 s)`,
        '',
      ].join('\n'),
    });
  });

  it('tells why it failed, with the exit code of the reason', async () => {
    await state.store(name);
    const old = { code: 'E_ACME_STUCK', message: 'long ago', at: start - 1 } as const;
    await state.storeRecord(name, { failures: 1, lastFailure: old });
    const onLook = (): Promise<void> =>
      state.storeRecord(name, {
        failures: 2,
        lastFailure: { code: 'E_ACME_UNREACHABLE', message: 'no route', at: start + 250 },
      });
    const { exit, stderr } = await renew({ name }, { onLook });
    expect(exit).toBe(4);
    expect(stderr).toContain(`error[E_ACME_UNREACHABLE]: ${name}: no route`);
  });

  it('renews all that came over ACME, and tells a program of each', async () => {
    await state.store(name);
    await state.store('other.example.com');
    await loadLocalAuthority({ stateDir: state.stateDir, now: Date.now() });
    const onLook = async (): Promise<void> => {
      await state.storeRecord(name, { obtainedAt: start + 1 });
      const lastFailure = { code: 'E_ACME_LIMIT', message: 'later', at: start + 1 } as const;
      await state.storeRecord('other.example.com', { failures: 1, lastFailure });
    };
    const { exit, stdout, stderr } = await renew({}, { onLook }, ['--json']);
    expect(exit).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      schema: 'breakwater.certs-renew/1',
      certificates: [
        { name, result: 'issued', elapsed: 250 },
        { name: 'other.example.com', result: 'failed', elapsed: 250, code: 'E_ACME_LIMIT', message: 'later' },
      ],
    });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'E_ACME_LIMIT', exit: 1 } });
  });

  it('gives up after five minutes', async () => {
    await state.store(name);
    const { exit, stderr } = await renew({ name });
    expect(exit).toBe(4);
    expect(stderr).toContain('error[E_ACME_STUCK]: mcp.example.com: nothing came of it within 5 minutes');
  });

  it('does not wait where it shall not', async () => {
    await state.store(name);
    expect(await renew({ wait: false })).toEqual({
      exit: 0,
      stdout: '',
      stderr: `asked the gateway to renew ${name}\n`,
    });
    expect(await isRenewalRequested(state.stateDir, name)).toBe(true);
  });

  it('is refused without a gateway, and leaves no request behind', async () => {
    await state.store(name);
    const { exit, stderr } = await renew({ name }, { isRunning: false });
    expect([exit, stderr]).toEqual([4, expect.stringContaining('error[E_CERT_NO_GATEWAY]')]);
    expect(await isRenewalRequested(state.stateDir, name)).toBe(false);
    // The same with the check that is used outside of tests.
    expect((await runCli(['certs', 'renew', name, '--state-dir', state.stateDir])).exit).toBe(4);
  });

  it('says who else renews', async () => {
    const files = { [`${cwd}/breakwater.yaml`]: '' };
    expect((await runCli(['certs', 'renew', 'x', '--state-dir', state.stateDir], { files })).exit).toBe(2);
    await loadLocalAuthority({ stateDir: state.stateDir, now: Date.now() });
    const { stderr } = await renew({ name: 'local-ca' });
    expect(stderr).toContain('error[E_USAGE]: `local-ca` is renewed by the gateway itself');
  });
});
