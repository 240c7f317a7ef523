import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { judge } from '../../src/doctor/judge.ts';
import { answered, buildFacts } from './facts-builder.ts';
import { faults } from './faults.ts';

const folder = new URL('goldens/', import.meta.url);

/** Each check, as it is told of the fault that it is there for, with what to do at nginx. */
const text = Object.entries(faults)
  .map(([id, changes]) => {
    const facts = buildFacts({
      ...changes,
      exchanges: { root: answered({ status: 404, fields: { server: 'nginx' } }), ...changes.exchanges },
    });
    const { grade, results } = judge(facts);
    const found = results.find((result) => result.id === id);
    const lines = [
      `${found?.severity ?? ''} ${id} (grade ${grade})`,
      `  seen: ${found?.seen ?? ''}`,
      ...(found?.evidence ?? []).map((line) => `    ${line}`),
      `  breaks: ${found?.why ?? ''}`,
      `  see: ${found?.reference ?? ''}`,
      `  fix: ${found?.fix?.advice ?? ''}`,
      ...(found?.fix?.lines ?? []).map((line) => `    ${line}`),
    ];
    return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
  })
  .join('\n');

it('every finding of doctor is told as it was when somebody last looked at it', async () => {
  const file = new URL('findings.txt', folder);
  if (process.env['UPDATE'] === '1') {
    await mkdir(folder, { recursive: true });
    await writeFile(file, text);
  }
  expect(text).toBe(await readFile(file, 'utf8'));
});
