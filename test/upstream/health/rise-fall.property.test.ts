import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeResult, unknownVerdict, type Verdict } from '../../../src/upstream/health/rise-fall.ts';

/** The rule said in another way: looks at the whole history instead of counting. */
function isUpAfter(history: readonly boolean[], rise: number, fall: number): boolean {
  let isUp = history[0] ?? true;
  let start = 1;
  for (let end = 1; end <= history.length; end++) {
    const needed = isUp ? fall : rise;
    const last = history.slice(Math.max(start, end - needed), end);
    if (last.length < needed || !last.every((passed) => passed !== isUp)) continue;
    isUp = !isUp;
    start = end;
  }
  return isUp;
}

const count = fc.integer({ min: 1, max: 6 });

describe('rise and fall', () => {
  it('agree with the whole history', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), count, count, (history, rise, fall) => {
        let verdict: Verdict = unknownVerdict;
        for (const [index, passed] of history.entries()) {
          verdict = judgeResult(verdict, passed, { rise, fall });
          expect(verdict.isUp).toBe(isUpAfter(history.slice(0, index + 1), rise, fall));
        }
      }),
    );
  });

  it('never change by fewer results in a row than they say, but for the first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 2, maxLength: 60 }),
        count,
        count,
        (history, rise, fall) => {
          let verdict: Verdict = judgeResult(unknownVerdict, history[0] ?? true, { rise, fall });
          for (const [index, passed] of history.slice(1).entries()) {
            const next = judgeResult(verdict, passed, { rise, fall });
            if (next.isUp !== verdict.isUp) {
              const needed = verdict.isUp ? fall : rise;
              const last = history.slice(1).slice(index + 1 - needed, index + 1);
              expect(last).toEqual(Array.from({ length: needed }, () => next.isUp));
            }
            verdict = next;
          }
        },
      ),
    );
  });
});
