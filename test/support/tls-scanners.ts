import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Program } from './programs.ts';

/** What testssl.sh says of one property of a server. */
export interface Finding {
  readonly id: string;
  readonly severity: 'OK' | 'INFO' | 'WARN' | 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL' | 'FATAL';
  readonly finding: string;
}

/** What sslscan found a server to accept. */
export interface AcceptedSuites {
  /** Such as `TLSv1.3`, in no order. */
  readonly protocols: readonly string[];
  /** OpenSSL names, sorted. */
  readonly suites: readonly string[];
  readonly renegotiation: boolean;
  readonly compression: boolean;
}

export interface ScanTarget {
  readonly port: number;
  /** Asked for by server name; the address is 127.0.0.1. */
  readonly name: string;
  /** Path of a PEM file with the authority that the scanner trusts. */
  readonly ca: string;
}

const run = promisify(execFile);
const outputBytes = 16 * 1024 * 1024;

/** Debian's `testssl`, upstream's `testssl.sh`. */
export const testssl: Program = find('testssl.sh 3.0 (Debian: testssl.sh)', [
  '/usr/bin/testssl',
  '/usr/bin/testssl.sh',
]);
export const sslscan: Program = find('sslscan 2 (Debian: sslscan)', ['/usr/bin/sslscan']);

/** Runs testssl.sh; `sections` are its own options, such as `-p`, and everything it has when there are none. */
export async function runTestssl(
  program: string,
  target: ScanTarget,
  sections: readonly string[],
): Promise<readonly Finding[]> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-testssl-'));
  try {
    const file = join(directory, 'findings.json');
    const settings = [
      '--quiet',
      '--color',
      '0',
      '--warnings',
      'batch',
      '--nodns',
      'none',
      '--jsonfile',
      file,
    ];
    const where = ['--add-ca', target.ca, '--ip', '127.0.0.1', `${target.name}:${target.port}`];
    // Its exit code counts findings; what matters is in the file.
    await run(program, [...settings, ...sections, ...where], { maxBuffer: outputBytes }).catch(
      () => undefined,
    );
    // The shape is that of its `--jsonfile`.
    return JSON.parse(await readFile(file, 'utf8')) as Finding[];
  } finally {
    await rm(directory, { recursive: true });
  }
}

export async function runSslscan(program: string, target: ScanTarget): Promise<AcceptedSuites> {
  const address = `127.0.0.1:${target.port}`;
  const { stdout } = await run(program, ['--xml=-', `--sni-name=${target.name}`, address], {
    maxBuffer: outputBytes,
  });
  const all = (pattern: RegExp): string[] => Array.from(stdout.matchAll(pattern), ([, value = '']) => value);
  return {
    protocols: all(/<protocol type="(?:ssl|tls)" version="([\d.]+)" enabled="1"/g),
    suites: all(/<cipher status="(?:accepted|preferred)"[^>]* cipher="([^"]+)"/g).toSorted(),
    renegotiation: /<renegotiation supported="1"/.test(stdout),
    compression: /<compression supported="1"/.test(stdout),
  };
}

function find(what: string, paths: readonly string[]): Program {
  const path = paths.find((candidate) => existsSync(candidate));
  return path === undefined
    ? { kind: 'missing', reason: `no ${what} (tried ${paths.join(', ')})` }
    : { kind: 'found', path };
}
