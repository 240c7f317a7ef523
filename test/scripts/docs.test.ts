import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildReferencePages } from '../../scripts/reference-pages.ts';

describe('pages made from the code', () => {
  it.each([...buildReferencePages()])('%s is up to date (`npm run docs` writes it)', (path, text) => {
    expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(text);
  });
});

describe('the README', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

  it('has at most 150 lines and links only to pages that exist', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
    for (const [, path = ''] of readme.matchAll(/\]\(([\w./-]+)\)/g)) {
      expect(() => readFileSync(new URL(`../../${path}`, import.meta.url)), path).not.toThrow();
    }
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, name = ''] of readme.matchAll(/`npm run ([\w:]+)/g))
      expect(Object.keys(scripts)).toContain(name);
  });
});
