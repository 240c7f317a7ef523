import { describe, expect, it } from 'vitest';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import { loadText } from '../config/load-text.ts';
import { listPages, readBlocks, readExamples } from './documents.ts';

const blocks = [...listPages().flatMap((page) => readBlocks(page, 'yaml')), ...readExamples()];
/** Secrets that pages name stand here. */
const env = {
  REDIS_PASSWORD: 'secret',
  HOME: '/home/op',
  ENTRA_SECRET: 'of-entra',
  GOOGLE_SECRET: 'of-google',
  OKTA_SECRET: 'of-okta',
};

describe('configurations on the pages for users', () => {
  it('are there', () => {
    expect(blocks.length).toBeGreaterThan(12);
  });

  it.each(blocks.map((block) => [`${block.page}:${block.line}`, block.text]))(
    '%s is valid and warns of nothing',
    async (_place, text) => {
      const loaded = await loadText(text, { env });
      const problems = loaded.ok ? loaded.value.warnings : loaded.error;
      expect(renderDiagnostics(problems)).toBe('');
    },
  );
});
