import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificate } from '../../support/certificates.ts';
import { change, type Change, type FindingCase } from './cases/finding-case.ts';
import { engineCases } from './cases/engine-cases.ts';

const folder = mkdtempSync(join(tmpdir(), 'breakwater-lint-'));
const file = join(folder, 'conf');
const modules = '/usr/lib/apache2/modules';
const apacheModules = [
  'mpm_event authz_core authz_user authz_host authn_core auth_basic authn_file socache_shmcb ssl headers rewrite proxy',
  'proxy_http proxy_balancer slotmem_shm lbmethod_byrequests http2 alias log_config deflate filter cache cache_disk',
  'setenvif env reqtimeout status allowmethods access_compat',
].flatMap((row) => row.split(' '));

/** Files that are there in place of those that the examples name. */
function withOwnFiles(text: string): string {
  return text
    .replaceAll('/etc/haproxy/mcp.pem', join(folder, 'both.pem'))
    .replaceAll('/etc/ca.pem', join(folder, 'cert.pem'))
    .replaceAll('/var/log/apache2', folder)
    .replaceAll(/SSLCertificateFile \S+/g, `SSLCertificateFile ${folder}/cert.pem`)
    .replaceAll(/SSLCertificateKeyFile \S+/g, `SSLCertificateKeyFile ${folder}/key.pem`)
    .replaceAll(
      /^( *)SSLEngine on/gm,
      `$1SSLEngine on\nSSLCertificateFile ${folder}/cert.pem\nSSLCertificateKeyFile ${folder}/key.pem`,
    );
}

function forApache(text: string): string {
  const loads = apacheModules
    .filter((name) => existsSync(`${modules}/mod_${name}.so`))
    .map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`);
  const head = [
    `ServerRoot ${folder}`,
    `PidFile ${folder}/pid`,
    `ErrorLog ${folder}/log`,
    'Listen 127.0.0.1:18443',
  ];
  return `${[...head, ...loads].join('\n')}\n${text}`;
}

const programs = [
  {
    engine: 'caddy',
    path: '/usr/bin/caddy',
    args: ['adapt', '--adapter', 'caddyfile', '--config', file],
    adapt: (text: string) => text,
  },
  {
    engine: 'haproxy',
    path: '/usr/sbin/haproxy',
    args: ['-c', '-q', '-f', file],
    adapt: (text: string) => text,
  },
  { engine: 'apache', path: '/usr/sbin/apache2', args: ['-t', '-f', file], adapt: forApache },
] as const;

/** Names that nobody resolves, and files that are missing, are what these are about. */
const notForEngines = /-(?:upstream-in-clear|include-unread)$/;

beforeAll(async () => {
  const { cert, key } = await createTestCertificate();
  writeFileSync(join(folder, 'cert.pem'), cert);
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'both.pem'), `${key}${cert}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(programs)('what $engine reads', ({ engine, path, args, adapt }) => {
  const accepts = (text: string): { readonly accepted: boolean; readonly told: string } => {
    writeFileSync(file, adapt(withOwnFiles(text)));
    const { status, stderr, stdout } = spawnSync(path, args);
    return {
      accepted: status === 0,
      told: status === 0 ? '' : `${String(stderr)}${String(stdout)}`.slice(0, 500),
    };
  };
  const { clean, cases } = engineCases[engine];

  it.skipIf(!existsSync(path))('is what the examples are written in', { timeout: 120_000 }, () => {
    const texts = (entry: FindingCase): readonly (readonly Change[])[] => [entry.bad, entry.near ?? []];
    const refused = cases
      .filter(({ id }) => !notForEngines.test(id))
      .flatMap((entry) =>
        texts(entry).map((changes) => ({ id: entry.id, ...accepts(change(clean, changes)) })),
      )
      .filter(({ accepted }) => !accepted);
    expect(refused).toEqual([]);
  });

  it.skipIf(!existsSync(path))('control: is not just anything', () => {
    expect(accepts(`${clean}\nnonsense {{{\n`).accepted).toBe(false);
  });
});
