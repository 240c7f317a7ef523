import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../../src/http/deadlines.ts';
import { ConnectionLimit, type QueuedRequest } from '../../../src/upstream/limits/connection-limit.ts';
import { ManualClock } from '../../support/manual-clock.ts';

class Caller implements QueuedRequest {
  told: 'nothing' | 'slot' | 'timeout' = 'nothing';
  readonly #onSlot: (caller: Caller) => void;

  constructor(onSlot: (caller: Caller) => void = () => undefined) {
    this.#onSlot = onSlot;
  }

  onSlot(): void {
    this.told = 'slot';
    this.#onSlot(this);
  }

  onQueueTimeout(): void {
    this.told = 'timeout';
  }
}

const limits = { connections: 2, queue: 3, queueTimeout: 1000 };

describe('the limit of connections', () => {
  it('lets as many in, then as many wait, in the order in which they came', () => {
    const order: Caller[] = [];
    const limit = new ConnectionLimit(new Deadlines(new ManualClock()));
    const callers = Array.from({ length: 6 }, () => new Caller((caller) => order.push(caller)));
    const entries = callers.map((caller) => limit.enter(limits, caller));
    expect(entries.map((entry) => (typeof entry === 'string' ? entry : 'waits'))).toEqual([
      'entered',
      'entered',
      'waits',
      'waits',
      'waits',
      'full',
    ]);
    limit.leave();
    limit.leave();
    expect(order).toEqual([callers[2], callers[3]]);
    expect([limit.open, limit.waiting]).toEqual([2, 1]);
  });

  it('tells who waited for too long, and forgets who left', () => {
    const clock = new ManualClock();
    const limit = new ConnectionLimit(new Deadlines(clock));
    const [late, gone] = [new Caller(), new Caller()];
    for (let count = 0; count < 2; count++) limit.enter(limits, new Caller());
    limit.enter(limits, late);
    const entry = limit.enter(limits, gone);
    if (typeof entry !== 'string') entry.leave();
    clock.advance(2000);
    expect([late.told, gone.told]).toEqual(['timeout', 'nothing']);
    limit.leave();
    expect([late.told, gone.told, limit.open, limit.waiting]).toEqual(['timeout', 'nothing', 1, 0]);
    expect(clock.pending).toBe(0);
  });

  it('never lets more in than it may, and leaves nobody waiting while there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (steps) => {
        const limit = new ConnectionLimit(new Deadlines(new ManualClock()));
        let inside = 0;
        for (const comes of steps) {
          if (comes) {
            const entry = limit.enter(limits, new Caller(() => inside++));
            if (entry === 'entered') inside++;
          } else if (inside > 0) {
            inside--;
            limit.leave();
          }
          expect(limit.open).toBe(inside);
          expect(inside).toBeLessThanOrEqual(limits.connections);
          expect(limit.waiting === 0 || inside === limits.connections).toBe(true);
        }
      }),
    );
  });

  it('is none where no limit is given', () => {
    const limit = new ConnectionLimit(new Deadlines(new ManualClock()));
    for (let count = 0; count < 100; count++) expect(limit.enter(undefined, new Caller())).toBe('entered');
    expect(limit.open).toBe(100);
  });
});
