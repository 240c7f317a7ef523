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
