import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createWorkQueue } from '../../src/lib/work-queue.ts';

describe('a work queue', () => {
  it('runs so many at a time, in the order in which they came', async () => {
    const queue = createWorkQueue(2);
    const begun: number[] = [];
    const works = [0, 1, 2, 3].map(() => Promise.withResolvers<undefined>());
    const results = works.map(({ promise }, index) =>
      queue.run(async () => {
        begun.push(index);
        await promise;
        return index;
      }),
    );
    await nextTurn();
    expect(begun).toEqual([0, 1]);
    works[1]?.resolve(undefined);
    await nextTurn();
    expect(begun).toEqual([0, 1, 2]);
    for (const { resolve } of works) resolve(undefined);
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3]);
  });

  it('tells a failure to whoever asked, and hands the place on', async () => {
    const queue = createWorkQueue(1);
    const failing = queue.run(() => Promise.reject(new Error('no')));
    const next = queue.run(() => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
  });

  it('has settled when nothing runs or waits, what came meanwhile included', async () => {
    const queue = createWorkQueue(1);
    await queue.settled();
    const done: string[] = [];
    const first = queue.run(async () => {
      await nextTurn();
      void queue.run(async () => {
        await nextTurn();
        done.push('second');
      });
      done.push('first');
    });
    await queue.settled();
    await first;
    expect(done).toEqual(['first', 'second']);
  });
});
