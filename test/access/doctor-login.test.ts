import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLoginRig, type LoginRig } from '../support/login-rig.ts';
import { toCheckoutPath } from '../support/programs.ts';

let rig: LoginRig;
beforeAll(async () => {
  rig = await startLoginRig();
}, 60_000);
afterAll(() => rig.close());

interface Finished {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a person does, and hands over the address at which to log in, if one is shown. */
async function runDoctor(
  argv: readonly string[],
  logIn: (address: string) => Promise<unknown>,
): Promise<Finished> {
  const child = spawn(
    process.execPath,
    [toCheckoutPath('bin/breakwater.js'), 'doctor', rig.url.href, '--json', ...argv],
    {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: rig.caFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stderr = '';
  let isAsked = false;
  child.stderr.on('data', (part: Buffer) => {
    stderr += part.toString();
    const address = /https:\/\/\S+code_challenge=\S+/.exec(stderr)?.[0];
    if (address === undefined || !stderr.endsWith('\n') || isAsked) return;
    isAsked = true;
    void logIn(address);
  });
  const [stdout, [exit]] = await Promise.all([
    text(child.stdout),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { exit, stdout, stderr };
}

describe('doctor before Breakwater with its own authorization server', () => {
  it('logs a person in, and asks as that person does', { timeout: 60_000 }, async () => {
    const { exit, stdout, stderr } = await runDoctor(['--login'], (address) => rig.approve(address));
    expect(stderr).toContain('Log in at');
    const report = JSON.parse(stdout) as {
      readonly grade: string;
      readonly asked: object;
      readonly findings: readonly { readonly id: string; readonly severity: string }[];
      readonly checks: readonly { readonly id: string; readonly status: string }[];
    };
    expect(report.asked).toMatchObject({ token: 'sent' });
    expect(report.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    const statusOf = (id: string): string | undefined =>
      report.checks.find((check) => check.id === id)?.status;
    expect(statusOf('oauth-token-refused')).toBe('pass');
    expect(statusOf('oauth-resource-mismatch')).toBe('pass');
    expect(statusOf('mcp-tools-list')).toBe('pass');
    expect(['A', 'A+']).toContain(report.grade);
    expect(exit).toBe(0);
  });

  it('control: without a credential it is told of the login alone', { timeout: 60_000 }, async () => {
    const { exit, stdout } = await runDoctor([], () => Promise.reject(new Error('nobody is asked')));
    const report = JSON.parse(stdout) as {
      readonly checks: readonly { readonly id: string; readonly status: string }[];
    };
    expect(report.checks.find(({ id }) => id === 'mcp-tools-list')?.status).toBe('skip');
    expect(report.checks.find(({ id }) => id === 'oauth-challenge-missing')?.status).toBe('pass');
    expect(exit).toBe(0);
  });

  it('registers a client for each known redirect where it may', { timeout: 60_000 }, async () => {
    const { stdout } = await runDoctor(['--register'], () => Promise.reject(new Error('nobody is asked')));
    const report = JSON.parse(stdout) as {
      readonly checks: readonly { readonly id: string; readonly status: string; readonly seen?: string }[];
    };
    expect(report.checks.find(({ id }) => id === 'oauth-redirect-refused')).toMatchObject({ status: 'pass' });
  });
});
