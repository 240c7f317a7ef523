import { describe, expect, it } from 'vitest';
import { readRequests } from '../../fuzz/reference/requests.ts';
import type { Fate } from './base-request.ts';
import { buildBaseRequests, buildCorpus, CORPUS_SIZE, toMarks } from './corpus.ts';
import { defaultLimits } from './verdict.ts';

function readFate(text: string): Fate {
  const { requests, end } = readRequests(text, defaultLimits);
  if (end === 'refused') return 'refused';
  return requests.length > 0 ? 'taken' : 'waits';
}

describe('the smuggling corpus', () => {
  const marks = toMarks(0, 0);

  it('has 600 base requests of all classes, and says of each what the reference says', () => {
    const bases = buildBaseRequests();
    expect(bases.length).toBeGreaterThanOrEqual(600);
    const wrong = bases.filter(({ fate, build }) => readFate(build(marks)) !== fate);
    expect(
      wrong.map(({ family, name, fate, build }) => ({ family, name, fate, text: build(marks) })),
    ).toEqual([]);
  });

  it('has 5,000 requests, no two alike, and is the same each time', () => {
    const texts = buildCorpus().map(({ build }) => build(marks));
    expect(texts).toHaveLength(CORPUS_SIZE);
    expect(new Set(texts).size).toBe(CORPUS_SIZE);
    expect(buildCorpus().map(({ build }) => build(marks))).toEqual(texts);
    expect(buildCorpus(2).map(({ build }) => build(marks))).not.toEqual(texts);
  });

  it('brings requests of all three fates, most of them malformed', () => {
    const count: Record<Fate, number> = { refused: 0, taken: 0, waits: 0 };
    for (const { build } of buildCorpus()) count[readFate(build(marks))]++;
    expect(count.refused).toBeGreaterThan(3500);
    expect(count.taken).toBeGreaterThan(300);
    expect(count.waits).toBeGreaterThan(20);
  });
});
