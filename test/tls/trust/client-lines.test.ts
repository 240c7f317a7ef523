import { spawnSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePem } from '../../../src/tls/files/pem.ts';
import {
  buildClientEnvironment,
  buildClientLines,
  formatClientEnvironment,
} from '../../../src/tls/trust/client-lines.ts';
import { quoteForPowerShell } from '../../../src/tls/trust/command-text.ts';
import { describeClientLines } from '../../../src/tls/trust/describe-trust.ts';
import { applyTrust, refreshClientBundle } from '../../../src/tls/trust/trust.ts';
import { planTrust, planUntrust, type TrustOptions } from '../../../src/tls/trust/trust-plan.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { createCommandLog, createTrustMachine, type TrustMachine } from '../../support/trust-machine.ts';

const files = { authorityFile: '/s/local-ca/ca.pem', bundleFile: '/s/local-ca/bundle.pem' };

describe('the lines for programs with a list of their own', () => {
  it('give the authority alone to those that add it, the bundle to those that replace theirs', () => {
    expect(buildClientLines(files, 'posix').map(({ line }) => line)).toEqual([
      'export NODE_EXTRA_CA_CERTS=/s/local-ca/ca.pem',
      'export SSL_CERT_FILE=/s/local-ca/bundle.pem',
      'export REQUESTS_CA_BUNDLE=/s/local-ca/bundle.pem',
      'export CURL_CA_BUNDLE=/s/local-ca/bundle.pem',
      'export GIT_SSL_CAINFO=/s/local-ca/bundle.pem',
      'export DENO_CERT=/s/local-ca/ca.pem',
    ]);
  });

  it('are there for PowerShell', () => {
    expect(buildClientLines(files, 'powershell')[0]?.line).toBe(
      "$env:NODE_EXTRA_CA_CERTS = '/s/local-ca/ca.pem'",
    );
  });

  it('are there for the configuration of an MCP client', () => {
    expect(formatClientEnvironment(files)).toBe('"env": { "NODE_EXTRA_CA_CERTS": "/s/local-ca/ca.pem" }');
  });

  const hostile = [
    '/a b/ca.pem',
    `/it's/ca.pem`,
    '/"quoted"/ca.pem',
    '/$(touch pwned)/`touch pwned`/ca.pem',
    '/new\nline; touch pwned/ca.pem',
    `/both '\n' \\ and $'x'/ca.pem`,
    '/escape\u001B[2J\u0085\u202E/ca.pem',
    '/ümlaut/ca.pem',
    '/-n/~/*/ca.pem',
  ];

  it.each(hostile)('cannot inject a command through the path %j', (path) => {
    const [first] = buildClientLines({ ...files, authorityFile: path }, 'posix');
    const shell = spawnSync('bash', ['-c', `${first?.line ?? ''}\nprintenv NODE_EXTRA_CA_CERTS`], {
      encoding: 'utf8',
    });
    expect(shell.stdout).toBe(`${path}\n`);
    expect(shell.stderr).toBe('');
    expect(first?.line).not.toMatch(/[\p{Cc}\u202E]/u);
  });

  it.each(hostile)('say %j in JSON as it is', (path) => {
    const text = formatClientEnvironment({ ...files, authorityFile: path });
    expect(JSON.parse(`{${text}}`)).toEqual({
      env: buildClientEnvironment({ ...files, authorityFile: path }),
    });
    expect(text).not.toMatch(/[\p{Cc}\u202E]/u);
  });

  it('double every quote that PowerShell takes for one (typographic quote injection)', () => {
    expect(quoteForPowerShell('a\u2019; calc #')).toBe("'a\u2019\u2019; calc #'");
    expect(quoteForPowerShell("it's")).toBe("'it''s'");
    expect(quoteForPowerShell('a\nb')).toBe("('a' + [char]10 + 'b')");
    expect(quoteForPowerShell('$x`n')).toBe("'$x`n'");
  });

  it('stand one below the other with who reads them', () => {
    const lines = describeClientLines(buildClientLines(files, 'posix'), files);
    expect(lines.slice(1, 3)).toEqual([
      '  # Claude Code, mcp-remote and everything else on Node',
      '  export NODE_EXTRA_CA_CERTS=/s/local-ca/ca.pem',
    ]);
  });
});

describe('the bundle', () => {
  let machine: TrustMachine;
  let options: TrustOptions;
  const bundle = (): string => join(machine.stateDir, 'local-ca/bundle.pem');
  beforeEach(async () => {
    machine = await createTrustMachine();
    const { run } = createCommandLog(() => undefined);
    options = { stateDir: machine.stateDir, now: Date.now(), platform: machine.platform, run };
  });
  afterEach(() => machine.clean());

  const trust = async (): Promise<string | undefined> =>
    (await applyTrust(await planTrust(options))).at(-1)?.status;

  it('holds the public roots and the local authority, each once', async () => {
    expect(await trust()).toBe('done');
    const blocks = parsePem(await readFile(bundle(), 'utf8')).map(({ text }) => text);
    expect(blocks).toHaveLength(rootCertificates.length + 1);
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(blocks).toContain(await readFile(join(machine.stateDir, 'local-ca/ca.pem'), 'utf8'));
    expect((await stat(bundle())).mode & 0o777).toBe(0o644);
    expect(await trust()).toBe('already');
  });

  it('holds what the system trusts besides, and follows when that changes', async () => {
    const { cert } = await createTestCertificate({ names: ['Example Root'], ca: true });
    await machine.install('usr/local/share/ca-certificates/x.crt');
    await machine.install('etc/ssl/certs/ca-certificates.crt');
    await trust();
    expect(await readFile(bundle(), 'utf8')).not.toContain(cert);
    await writeFile(join(machine.root, 'etc/ssl/certs/ca-certificates.crt'), cert);
    expect(await refreshClientBundle(machine.stateDir, machine.platform)).toBe(true);
    expect(await readFile(bundle(), 'utf8')).toContain(cert);
    expect(await refreshClientBundle(machine.stateDir, machine.platform)).toBe(false);
  });

  it('is made by nothing but the explicit command, and goes with it', async () => {
    await planTrust(options);
    expect(await refreshClientBundle(machine.stateDir, machine.platform)).toBe(false);
    await expect(stat(bundle())).rejects.toThrow('ENOENT');
    await trust();
    await applyTrust(await planUntrust(options));
    await expect(stat(bundle())).rejects.toThrow('ENOENT');
  });
});
