import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/lib/error-codes.ts';

describe.each(Object.entries(errorCodes))('%s', (code, entry) => {
  it('is named E_AREA_REASON', () => {
    expect(code).toMatch(/^E_[A-Z0-9]+(?:_[A-Z0-9]+)*$/);
  });

  it('has a title, an explanation and a fix that can stand in a frame', () => {
    expect(entry.title).toMatch(/^\S[^\n]*[^.\s]$/);
    expect(entry.explanation).toMatch(/^[A-Z][^\n]*\.$/);
    expect(entry.fix).toMatch(/^[^A-Z\s][^\n]*[^.\s]$/);
  });
});

describe('the files of the table', () => {
  const folder = fileURLToPath(new URL('../../src/lib/error-codes', import.meta.url));
  const files = readdirSync(folder).map((file) => {
    const text = readFileSync(`${folder}/${file}`, 'utf8');
    return { file, codes: [...text.matchAll(/^ {2}(E_[A-Z0-9_]+): \{$/gm)].map(([, code]) => code ?? '') };
  });

  it('hold each code once', () => {
    expect(files.flatMap(({ codes }) => codes).toSorted()).toEqual(Object.keys(errorCodes).toSorted());
  });

  it('keep the codes of one area together', () => {
    const homes = new Map<string, Set<string>>();
    for (const { file, codes } of files)
      for (const code of codes) {
        const area = code.split('_')[1] ?? '';
        homes.set(area, (homes.get(area) ?? new Set()).add(file));
      }
    const spread = [...homes].filter(([, home]) => home.size > 1).map(([area]) => area);
    expect(spread).toEqual([]);
  });
});
