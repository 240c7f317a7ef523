import { describe, expect, it } from 'vitest';
import { Leases } from '../../src/lib/leases.ts';

describe('leases', () => {
  it('make a thing once, and close it when the last holder lets go', () => {
    const closed: string[] = [];
    const create = (name: string) => (): { close: () => void } => ({ close: () => void closed.push(name) });
    const leases = new Leases<{ close(): void }>();
    const first = leases.hold('a', create('first'));
    const second = leases.hold('a', create('second'));
    const other = leases.hold('b', create('other'));
    expect(second.value).toBe(first.value);
    expect(other.value).not.toBe(first.value);
    first.release();
    first.release();
    expect(closed).toEqual([]);
    second.release();
    expect(closed).toEqual(['first']);
    expect(leases.size).toBe(1);
    leases.hold('a', create('third')).release();
    expect(closed).toEqual(['first', 'third']);
  });
});
