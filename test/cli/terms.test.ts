import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContext } from '../../src/cli/context.ts';
import { reportFailure, toFailure } from '../../src/cli/failure.ts';
import { settleTerms, type TermsSurroundings } from '../../src/cli/up/terms.ts';
import type { Config } from '../../src/config/config.ts';
import { generateKeyPairSync } from 'node:crypto';
import { configOf } from '../config/load-text.ts';
import { capture, runCli, type Outcome } from './capture-io.ts';
import { createTestState, type TestState } from './certs/state.ts';

let state: TestState;
beforeEach(async () => {
  state = await createTestState();
});
afterEach(() => state.clean());

const fallback = 'tls: { acme: { fallback: [{ directory: "https://ca.example/dir" }] } }\n';

/** Whose terms are accepted in the end. */
async function settle(
  text: string,
  options: {
    readonly answers?: readonly string[];
    readonly argv?: readonly string[];
    readonly surroundings?: Partial<TermsSurroundings>;
  } = {},
): Promise<Outcome & { readonly accepted: readonly boolean[] }> {
  const { answers, argv = [] } = options;
  const config = await configOf(`domains: [mcp.example.com]\nroutes: [{ upstream: 1 }]\n${text}`);
  let settled: Config | undefined;
  const outcome = await capture(
    async (io) => {
      const context = createContext(argv, io);
      try {
        settled = await settleTerms({ ...config, stateDir: state.stateDir }, context, {
          hasAccount: () => Promise.resolve(false),
          findTerms: ({ directory }) => Promise.resolve(`${directory}/terms`),
          ...options.surroundings,
        });
        return 0;
      } catch (error) {
        return reportFailure(toFailure(error), context);
      }
    },
    answers === undefined ? {} : { answers },
  );
  const automatic = settled?.tls.automatic;
  return {
    ...outcome,
    accepted: automatic?.kind === 'acme' ? automatic.issuers.map(({ termsAccepted }) => termsAccepted) : [],
  };
}

describe('terms of service', () => {
  it('are accepted by a person at the terminal, for each authority', async () => {
    const { exit, stderr, accepted } = await settle(fallback, { answers: ['y', 'YES'] });
    expect({ exit, accepted }).toEqual({ exit: 0, accepted: [true, true] });
    expect(stderr).toBe(
      "Let's Encrypt's terms of service: https://acme-v02.api.letsencrypt.org/directory/terms\nAccept? [y/N] " +
        "ca.example's terms of service: https://ca.example/dir/terms\nAccept? [y/N] ",
    );
  });

  it.each([[['']], [['n']], [['y', 'no']]])(
    'attack: acceptance that nobody gave, answered %j',
    async (answers) => {
      const { exit, stderr, accepted } = await settle(fallback, { answers });
      expect({ exit, accepted }).toEqual({ exit: 6, accepted: [] });
      expect(stderr).toContain('error[E_ACME_TERMS]: the terms of ');
    },
  );

  it.each([[[]], [['--json']]])('attack: acceptance without anybody to ask, with %j', async (argv) => {
    const { exit, stderr } = await settle('', { argv });
    expect([exit, stderr]).toEqual([6, expect.stringContaining('E_ACME_TERMS')]);
  });

  it('control: with a flag, or an account from before, nobody is asked', async () => {
    expect(await settle('tls: { acme: { accept_terms: true } }')).toMatchObject({ exit: 0, stderr: '' });
    const hasAccount = (): Promise<boolean> => Promise.resolve(true);
    const { exit, accepted } = await settle('', { surroundings: { hasAccount } });
    expect({ exit, accepted }).toEqual({ exit: 0, accepted: [false] });
  });

  it('that do not exist, or cannot be found out now, are left to the gateway', async () => {
    for (const findTerms of [() => Promise.resolve(undefined), () => Promise.reject(new Error('down'))]) {
      expect(await settle('', { surroundings: { findTerms } })).toMatchObject({ exit: 0, stderr: '' });
    }
  });

  it('are a matter of ACME alone', async () => {
    expect(await settle('tls: { cert: c, key: k }')).toMatchObject({ exit: 0, stderr: '' });
  });

  it('stop `up` before it writes or listens', async () => {
    const argv = [
      'up',
      '8000',
      '--domain',
      'mcp.example.com',
      '--auth',
      'key',
      '--state-dir',
      state.stateDir,
    ];
    const { exit, stderr } = await runCli(argv);
    expect([exit, stderr]).toEqual([6, expect.stringContaining('https://letsencrypt.org/repository/')]);
    expect((await runCli(argv, { answers: ['n'] })).exit).toBe(6);
  });

  it('were accepted where the authority has given an account', async () => {
    const { hasAccount } = await import('../../src/tls/acme/terms.ts');
    const directory = 'https://acme-v02.api.letsencrypt.org/directory';
    const folder = join(state.stateDir, 'acme', 'acme-v02.api.letsencrypt.org-directory');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(await hasAccount(state.stateDir, directory)).toBe(false);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'account.json'), JSON.stringify({ key }));
    expect(await hasAccount(state.stateDir, directory)).toBe(false);
    await writeFile(
      join(folder, 'account.json'),
      JSON.stringify({ key, url: 'https://ca.example/account/1' }),
    );
    expect(await hasAccount(state.stateDir, directory)).toBe(true);
  });
});
