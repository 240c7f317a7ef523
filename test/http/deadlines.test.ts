import { expect, it } from 'vitest';
import { Deadlines, type Expiring } from '../../src/http/deadlines.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';

function build(deadline: number, onExpire: () => void): Expiring & { expired: number } {
  return {
    place: -1,
    deadline,
    expired: 0,
    expire() {
      this.expired++;
      this.deadline = Number.POSITIVE_INFINITY;
      onExpire();
    },
  };
}

it('expires what is due, once, and nothing that one that expired took with it', () => {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  const now = deadlines.now();
  const taken = build(now + 1000, () => undefined);
  const taking = build(now + 1000, () => deadlines.delete(taken));
  const later = build(now + 3000, () => undefined);
  for (const each of [taking, taken, later, later]) deadlines.add(each);
  clock.advance(1500);
  expect([taking, taken, later].map(({ expired }) => expired)).toEqual([1, 0, 0]);
  clock.advance(2000);
  expect([taking, taken, later].map(({ expired }) => expired)).toEqual([1, 0, 1]);
});

it('suspend: after a time in which nothing ran, what came meanwhile is read before anything expires', () => {
  let now = 0;
  let sweep = (): void => undefined;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimeout: () => ({ cancel: () => undefined }),
    setInterval(callback) {
      sweep = callback;
      return { cancel: () => undefined };
    },
  };
  const deadlines = new Deadlines(clock);
  const waiting = build(1000, () => undefined);
  const gone = build(1000, () => undefined);
  deadlines.add(waiting);
  deadlines.add(gone);
  now = 600_000;
  sweep();
  expect([waiting.expired, gone.expired]).toEqual([0, 0]);
  // Its bytes had come.
  waiting.deadline = now + 1000;
  now += 500;
  sweep();
  expect([waiting.expired, gone.expired]).toEqual([0, 1]);
  // A loop that is always late still comes to its deadlines.
  waiting.deadline = now;
  for (let round = 0; round < 2; round++) {
    now += 10_000;
    sweep();
  }
  expect(waiting.expired).toBe(1);
});
