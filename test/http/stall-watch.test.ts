import { describe, expect, it } from 'vitest';
import { StallWatch } from '../../src/http/stall-watch.ts';

/** Looks each second at a buffer that follows `waiting`; the second in which the reader is given up. */
function run(waiting: (second: number) => number, seconds: number): number | undefined {
  const watch = new StallWatch(30_000);
  let next: number | undefined = watch.start(0, waiting(0));
  for (let second = 1; second <= seconds; second++) {
    expect(next).toBe(second * 1000);
    next = watch.look(second * 1000, waiting(second));
    if (next === undefined) return second;
  }
  return undefined;
}

describe('a reader', () => {
  it('that takes nothing is given up after its time', () => expect(run(() => 100, 100)).toBe(30));
  it('that takes a byte in 29 seconds is not', () => {
    expect(run((second) => 1000 - Math.floor(second / 29), 500)).toBeUndefined();
  });
  it('that stops later is given up 30 seconds after its last byte', () => {
    expect(run((second) => Math.max(500, 1000 - second * 100), 100)).toBe(35);
  });
  it('whose buffer grows meanwhile is given up all the same', () => {
    expect(run((second) => 100 + second, 100)).toBe(30);
  });
});
