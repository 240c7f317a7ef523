import { describe, expect, it } from 'vitest';
import { SerialQueue } from '../../src/lib/serial-queue.ts';

describe('SerialQueue', () => {
  it('begins a task only when the one before has settled, in the order of asking', async () => {
    const queue = new SerialQueue();
    const seen: string[] = [];
    const first = Promise.withResolvers<string>();
    const one = queue.run(() => {
      seen.push('first begins');
      return first.promise;
    });
    const two = queue.run(async () => {
      seen.push('second begins');
      return 2;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(seen).toEqual(['first begins']);
    first.resolve('done');
    expect([await one, await two]).toEqual(['done', 2]);
    expect(seen).toEqual(['first begins', 'second begins']);
  });

  it('tells a failure to whoever asked, and goes on with the next', async () => {
    const queue = new SerialQueue();
    const failing = queue.run(() => Promise.reject(new Error('no')));
    const next = queue.run(() => Promise.resolve('next'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
  });

  it('settles after what was asked for, failures included', async () => {
    const queue = new SerialQueue();
    await queue.settle();
    let isDone = false;
    const failing = queue.run(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      isDone = true;
      throw new Error('no');
    });
    const settled = queue.settle();
    await expect(failing).rejects.toThrow('no');
    await settled;
    expect(isDone).toBe(true);
  });
});
