import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixConfiguration } from '../../../src/render/lint/fix.ts';
import { lintText, memoryFiles } from './lint-text.ts';

const recipe = readFileSync(join(import.meta.dirname, 'fixtures/recipe.conf'), 'utf8');

/** What was measured of the recipe, and what lint calls it. */
const rows: readonly { readonly line: string; readonly ids: readonly string[] }[] = [
  { line: '`proxy_pass http://mcp_backend/` under `location /mcp`', ids: ['nginx-proxy-pass-uri'] },
  { line: 'the same: every upstream path is exposed', ids: ['nginx-prefix-exposes-siblings'] },
  { line: '`chunked_transfer_encoding off`', ids: ['nginx-chunked-off'] },
  { line: '`X-Forwarded-For $proxy_add_x_forwarded_for`', ids: ['nginx-forwarded-for-appended'] },
  { line: '`listen 443 ssl http2`', ids: ['nginx-listen-http2'] },
  { line: 'no `client_max_body_size`', ids: ['nginx-body-limit-small'] },
  { line: 'no `proxy_socket_keepalive`, no heartbeat', ids: ['nginx-no-socket-keepalive'] },
  { line: '24 h time-outs and a reload', ids: ['nginx-old-workers-linger'] },
  {
    line: 'nothing on Origin, Host, auth, rate',
    ids: ['nginx-no-origin-guard', 'nginx-no-host-guard', 'nginx-no-access-control', 'nginx-no-rate-limit'],
  },
];

describe('the widely read recipe', () => {
  it.each(rows)('yields its row: $line', async ({ ids }) => {
    const { findings } = await lintText(recipe);
    const found = findings.map(({ id }) => id);
    for (const id of ids) expect(found).toContain(id);
  });

  it('yields session loss with the second replica', async () => {
    const { findings } = await lintText(
      recipe.replace('keepalive 32;', 'server 127.0.0.1:8001;\n    keepalive 32;'),
    );
    expect(findings.map(({ id }) => id)).toContain('nginx-affinity-missing');
  });

  it('says that old workers linger the more clearly in a whole file', async () => {
    const whole = `events { }\nhttp {\n${recipe}}\n`;
    const [part, all] = await Promise.all([lintText(recipe), lintText(whole)]);
    const severityIn = (findings: typeof part.findings): string | undefined =>
      findings.find(({ id }) => id === 'nginx-old-workers-linger')?.severity;
    expect(severityIn(part.findings)).toBe('info');
    expect(severityIn(all.findings)).toBe('warning');
  });

  it('knows that `http2 on` does not exist before 1.25.1', async () => {
    const [old, current] = await Promise.all([
      lintText(recipe, { version: '1.22.1' }),
      lintText(recipe, { version: '1.25.1' }),
    ]);
    expect(old.findings.map(({ id }) => id)).not.toContain('nginx-listen-http2');
    expect(current.findings.find(({ id }) => id === 'nginx-listen-http2')?.severity).toBe('warning');
  });

  it('keeps no finding with a single right answer after it was corrected', async () => {
    const report = await lintText(recipe);
    const options = { file: '/etc/proxy/conf', bytes: Buffer.from(recipe), files: memoryFiles() };
    const { text, fixed, report: left } = await fixConfiguration(options, report);
    expect(left.findings.filter(({ edits }) => edits.length > 0)).toEqual([]);
    expect(fixed.map(({ id }) => id)).toContain('nginx-proxy-pass-uri');
    expect(text).toContain('proxy_pass http://mcp_backend;');
    expect(text).toContain('location = /mcp {');
    expect(left.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});
