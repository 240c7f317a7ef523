import { describe, expect, it } from 'vitest';
import { controls, findFault } from './controls.ts';
import { fuzz } from './engine.ts';
import { pureTargets } from './pure-targets.ts';

const SEED = 1;

describe('control: fuzzing finds what was broken on purpose', { timeout: 60_000 }, () => {
  it.each(controls)('$fault', async (control) => {
    expect(await findFault(control, SEED)).toBeDefined();
  });

  it('in each target', () => {
    const broken = new Set(controls.map(({ target }) => target.name));
    expect(pureTargets.map(({ name }) => name).filter((name) => !broken.has(name))).toEqual([]);
  });
});

describe('some thousand inputs', { timeout: 60_000 }, () => {
  it.each(pureTargets)('break no rule of $name', async (target) => {
    const { finds, outcomes } = await fuzz({ target, seed: SEED, goOn: (executions) => executions < 1000 });
    expect(finds).toEqual([]);
    // A target with one fate for all inputs would have no rule to break.
    expect(outcomes.size).toBeGreaterThan(5);
  });
});

describe('a run', () => {
  it('is the same again with the same seed, and another with another', async () => {
    const [target] = pureTargets;
    if (target === undefined) throw new Error('there are targets');
    const run = async (seed: number): Promise<unknown> => {
      const { outcomes } = await fuzz({ target, seed, goOn: (executions) => executions < 1000 });
      return [...outcomes];
    };
    expect(await run(3)).toEqual(await run(3));
    expect(await run(3)).not.toEqual(await run(4));
  });
});
