import { describe, expect, it, vi } from 'vitest';
import { withDeadline, type Deadline } from '../../../src/tls/automation/deadline.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function createDeadline(changes: Partial<Deadline> = {}): Deadline & { readonly clock: ManualClock } {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  return { signal, milliseconds: 1000, onLate: () => new Error('late'), ...changes, clock };
}

const forever = (): Promise<never> => new Promise(() => undefined);

describe('withDeadline', () => {
  it('settles as the work does, and leaves no timer', async () => {
    const deadline = createDeadline();
    expect(await withDeadline(deadline, () => Promise.resolve('done'))).toBe('done');
    await expect(withDeadline(deadline, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(deadline.clock.pending).toBe(0);
  });

  it('says in the words of the caller who was late, to the caller and to the work', async () => {
    const deadline = createDeadline({ onLate: () => new Error('the service did not answer') });
    let heard: AbortSignal | undefined;
    const waiting = withDeadline(deadline, (signal) => {
      heard = signal;
      return forever();
    });
    deadline.clock.advance(999);
    expect(heard?.aborted).toBe(false);
    deadline.clock.advance(1);
    await expect(waiting).rejects.toThrow('the service did not answer');
    expect(heard?.reason).toEqual(new Error('the service did not answer'));
  });

  it('rejects with the reason of the signal, and does not begin after it', async () => {
    const ending = new AbortController();
    const deadline = createDeadline({ signal: ending.signal });
    const waiting = withDeadline(deadline, forever);
    ending.abort(new Error('closing'));
    await expect(waiting).rejects.toThrow('closing');
    const work = vi.fn<typeof forever>(forever);
    await expect(withDeadline(deadline, work)).rejects.toThrow('closing');
    expect(work).not.toHaveBeenCalled();
    expect(deadline.clock.pending).toBe(0);
  });
});
