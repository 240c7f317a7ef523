import { describe, expect, it } from 'vitest';
import { listCorpora, loadCorpus } from './corpus.ts';
import { pureTargets } from './pure-targets.ts';

const cases = pureTargets.flatMap((target) =>
  loadCorpus(target.name).map(({ name, input }) => ({ name, input, target })),
);

describe('inputs that once broke a rule', () => {
  it.each(cases)('$name keeps all rules now', async ({ input, target }) => {
    expect(await target.check(input)).toBeTypeOf('string');
  });

  it('belong to targets that exist', () => {
    const known = new Set([...pureTargets.map(({ name }) => name), 'sockets']);
    expect(listCorpora().filter((name) => !known.has(name))).toEqual([]);
  });
});
