import { expect, it } from 'vitest';
import { parseRevision, revisions, toEra } from '../../src/mcp/revision.ts';

it('knows every published revision and its era', () => {
  expect(revisions.map((revision) => [parseRevision(revision), toEra(revision)])).toEqual([
    ['2024-11-05', 'legacy'],
    ['2025-03-26', 'legacy'],
    ['2025-06-18', 'legacy'],
    ['2025-11-25', 'legacy'],
    ['2026-07-28', 'modern'],
  ]);
});

it.each([
  ['2026-07-27', 'legacy'],
  ['2026-07-29', 'modern'],
  ['9999-99-99', 'modern'],
  ['', 'legacy'],
  ['DRAFT-2026-v1', 'legacy'],
  ['2026-07-28\n', 'legacy'],
  ['constructor', 'legacy'],
])('leaves %j unknown, in the %s era', (version, era) => {
  expect(parseRevision(version)).toBe('unknown');
  expect(toEra(version)).toBe(era);
});
