import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';

it('tells a time that stands still within a turn of the event loop and goes on with the next', async () => {
  await setImmediate();
  const begin = systemClock.monotonic();
  const until = performance.now() + 2;
  while (performance.now() < until);
  expect(systemClock.monotonic()).toBe(begin);
  await setImmediate();
  expect(systemClock.monotonic() - begin).toBeGreaterThanOrEqual(2);
});
