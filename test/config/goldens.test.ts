import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import { loadText } from './load-text.ts';

// Inputs are not called .yaml, because a formatter must not mend what is broken on purpose. UPDATE=1 rewrites the goldens.
const folder = new URL('goldens/', import.meta.url);
const inputs = (await readdir(folder)).filter((name) => name.endsWith('.input'));

const environment = z.record(z.string(), z.string());
const flags = z.union([
  z.strictObject({ target: z.string(), domain: z.array(z.string()), key: z.string() }),
  z.strictObject({ auth: z.literal('oauth') }),
]);

describe.each(inputs)('%s', (name) => {
  it('is told as its golden says', async () => {
    const text = await readFile(new URL(name, folder), 'utf8');
    expect(text).toMatch(/^# rule: /);
    const directive = (key: string): unknown =>
      JSON.parse(new RegExp(`^# ${key}: (.*)$`, 'm').exec(text)?.[1] ?? 'null');
    const loaded = await loadText(text, {
      file: 'breakwater.yaml',
      env: environment.nullable().parse(directive('env')) ?? {},
      flags: flags.nullable().parse(directive('flags')) ?? {},
    });
    const diagnostics = loaded.ok ? loaded.value.warnings : loaded.error;
    const golden = new URL(name.replace('.input', '.golden'), folder);
    const told = renderDiagnostics(diagnostics, { width: 100 });
    if (process.env['UPDATE'] === '1') await writeFile(golden, told);
    expect(told).toBe(await readFile(golden, 'utf8'));
  });
});
