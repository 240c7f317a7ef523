import { describe, expect, it } from 'vitest';
import { pause, pauseOrReject } from '../../src/lib/pause.ts';
import { ManualClock } from '../support/manual-clock.ts';

const reason = new Error('told to stop');

describe('pause', () => {
  it('waits as long as it is told', async () => {
    const clock = new ManualClock();
    let isOver = false;
    const waiting = (async () => {
      await pause(clock, 1000);
      isOver = true;
    })();
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    clock.advance(1);
    await waiting;
    expect(isOver).toBe(true);
  });

  it('is over as soon as its signal is aborted, and leaves no timer', async () => {
    const clock = new ManualClock();
    const ending = new AbortController();
    const waiting = pause(clock, 1000, ending.signal);
    ending.abort(reason);
    await waiting;
    await pause(clock, 1000, ending.signal);
    expect(clock.pending).toBe(0);
  });
});

describe('pauseOrReject', () => {
  it('waits as long as it is told', async () => {
    const clock = new ManualClock();
    const waiting = pauseOrReject(clock, 1000, new AbortController().signal);
    clock.advance(1000);
    await waiting;
    expect(clock.pending).toBe(0);
  });

  it('rejects with the reason of its signal, also of one that was aborted before, and leaves no timer', async () => {
    const clock = new ManualClock();
    const ending = new AbortController();
    const waiting = pauseOrReject(clock, 1000, ending.signal);
    ending.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(pauseOrReject(clock, 1000, ending.signal)).rejects.toBe(reason);
    expect(clock.pending).toBe(0);
  });
});
