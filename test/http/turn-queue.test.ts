import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createTurnQueue } from '../../src/http/turn-queue.ts';

const PER_TURN = 8;

describe('a queue of so many tasks a turn', () => {
  it('runs few tasks at once', () => {
    const inTurn = createTurnQueue(PER_TURN);
    let done = 0;
    for (let task = 0; task < PER_TURN; task++) inTurn(() => done++);
    expect(done).toBe(PER_TURN);
  });

  it('runs a herd in its order, and lets others have their turn in between', async () => {
    const inTurn = createTurnQueue(PER_TURN);
    const done: number[] = [];
    for (let task = 0; task < 100; task++) inTurn(() => done.push(task));
    const seen: number[] = [];
    while (done.length < 100) {
      seen.push(done.length);
      await nextTurn();
    }
    expect(done).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(seen).toEqual([8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96]);
  });

  it('puts tasks that come later behind those that wait, and is quick again once nothing waits', async () => {
    const inTurn = createTurnQueue(1);
    const done: string[] = [];
    for (const name of ['first', 'second']) inTurn(() => done.push(name));
    await nextTurn();
    inTurn(() => done.push('third'));
    expect(done).toEqual(['first', 'second']);
    await nextTurn();
    await nextTurn();
    inTurn(() => done.push('fourth'));
    expect(done).toEqual(['first', 'second', 'third', 'fourth']);
  });

  it('control: without a limit the herd runs in one turn', () => {
    const inTurn = createTurnQueue(Infinity);
    let done = 0;
    for (let task = 0; task < 100; task++) inTurn(() => done++);
    expect(done).toBe(100);
  });
});
