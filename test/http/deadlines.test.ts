import { expect, it } from 'vitest';
import { Deadlines, type Expiring } from '../../src/http/deadlines.ts';
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
