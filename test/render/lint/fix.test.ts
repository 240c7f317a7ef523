import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixConfiguration, type FixedText } from '../../../src/render/lint/fix.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { change } from './cases/finding-case.ts';
import { nginxCases, nginxClean } from './cases/nginx-cases.ts';
import { lintText, memoryFiles } from './lint-text.ts';

const nginx = '/usr/sbin/nginx';

async function fix(text: string): Promise<FixedText> {
  const options = {
    file: '/etc/proxy/conf',
    bytes: Buffer.from(text),
    engine: 'nginx' as const,
    files: memoryFiles(),
  };
  return fixConfiguration(options, await lintText(text, { engine: 'nginx' }));
}

describe('corrections', () => {
  it.each(nginxCases)(
    '$id is gone where it has a single right answer, and nothing new comes',
    async ({ bad }) => {
      const text = change(nginxClean, bad);
      const before = await lintText(text, { engine: 'nginx' });
      const { report } = await fix(text);
      const known = new Set(before.findings.map(({ id }) => id));
      expect(report.findings.filter(({ edits }) => edits.length > 0)).toEqual([]);
      const added = report.findings.filter(({ id }) => !known.has(id)).map(({ id }) => id);
      // The best that nginx can do for sessions has a limit of its own.
      expect(added.filter((id) => id !== 'nginx-affinity-by-address')).toEqual([]);
    },
  );

  it('change nothing of a clean configuration', async () => {
    expect((await fix(nginxClean)).text).toBe(nginxClean);
  });

  it('are stable: correcting the corrected text changes nothing', async () => {
    const text = nginxCases
      .filter(({ id }) =>
        ['nginx-buffering-on', 'nginx-no-hsts', 'nginx-connection-close', 'nginx-old-tls'].includes(id),
      )
      .reduce((changed, { bad }) => change(changed, bad), nginxClean);
    const once = await fix(text);
    expect(once.fixed.length).toBeGreaterThan(3);
    expect((await fix(once.text)).text).toBe(once.text);
  });

  it('add a header where the others are, so that none is dropped', async () => {
    const text = change(nginxClean, [
      ['            proxy_set_header X-Forwarded-Proto $scheme;\n', ''],
      [
        '            proxy_set_header Forwarded "";\n            proxy_set_header X-Forwarded-User "";\n',
        '            proxy_set_header X-Forwarded-User "";\n',
      ],
    ]);
    const { text: corrected, report } = await fix(text);
    expect(report.findings).toEqual([]);
    expect(corrected).toContain('proxy_set_header X-Forwarded-Proto $scheme;');
    expect(corrected).toContain('proxy_set_header X-Forwarded-For $remote_addr;');
  });

  it('leave what others share alone', async () => {
    const text = change(nginxClean, [
      ['            proxy_buffering off;\n', ''],
      ['http {', 'http {\n    proxy_buffering on;'],
    ]);
    const { text: corrected } = await fix(text);
    expect(corrected).toContain('http {\n    proxy_buffering on;');
    expect(corrected).toContain('proxy_buffering off;');
  });
});

describe.skipIf(!existsSync(nginx))('nginx itself', () => {
  const folder = mkdtempSync(join(tmpdir(), 'breakwater-lint-'));
  beforeAll(async () => {
    const { cert, key } = await createTestCertificate();
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The same configuration with files and ports of this test, and what nginx 1.22 knows. */
  function accepts(text: string): { readonly accepted: boolean; readonly told: string } {
    const local = text
      .replaceAll(/ssl_certificate_key [^;]+;/g, `ssl_certificate_key ${folder}/key.pem;`)
      .replaceAll(/ssl_certificate [^;]+;/g, `ssl_certificate ${folder}/cert.pem;`)
      .replaceAll('/var/log/nginx/', `${folder}/`)
      .replaceAll(/listen (\d+)/g, (_found, port: string) => `listen 127.0.0.1:${20_000 + Number(port)}`)
      .replaceAll('http2 on;', '')
      .replaceAll(/^(?:worker_shutdown_timeout)/gm, `pid ${folder}/nginx.pid;\nworker_shutdown_timeout`);
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, local);
    const { status, stderr } = spawnSync(nginx, [
      '-t',
      '-q',
      '-c',
      file,
      '-e',
      join(folder, 'error.log'),
      '-p',
      folder,
    ]);
    return { accepted: status === 0, told: String(stderr) };
  }

  it('accepts the clean configuration', () => {
    expect(accepts(nginxClean)).toEqual({ accepted: true, told: '' });
  });

  it('accepts each corrected copy of what it accepted before', { timeout: 60_000 }, async () => {
    let tried = 0;
    for (const { id, bad } of nginxCases) {
      const text = change(nginxClean, bad);
      if (!accepts(text).accepted) continue;
      const { text: corrected } = await fix(text);
      expect({ id, ...accepts(corrected) }).toMatchObject({ id, accepted: true });
      tried += 1;
    }
    expect(tried).toBeGreaterThan(45);
  });

  it('control: refuses what is wrong', () => {
    expect(accepts(nginxClean.replace('proxy_buffering off;', 'proxy_buffring off;')).accepted).toBe(false);
  });
});
