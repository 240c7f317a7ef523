import { describe, expect, it } from 'vitest';
import { LineBatch } from '../../src/observe/line-batch.ts';
import { ManualClock } from '../support/manual-clock.ts';

function start(): { batch: LineBatch; clock: ManualClock; written: string[] } {
  const written: string[] = [];
  const clock = new ManualClock();
  const batch = new LineBatch(
    { write: (text) => void written.push(text), flushSync: () => void written.push('<sync>') },
    clock,
  );
  return { batch, clock, written };
}

describe('log lines', () => {
  it('are handed on after a second, all together and in order', () => {
    const { batch, clock, written } = start();
    batch.write('a\n');
    batch.write('b\n');
    expect(written).toEqual([]);
    clock.advance(1000);
    expect(written).toEqual(['a\nb\n']);
    clock.advance(5000);
    expect(written).toHaveLength(1);
  });

  it('are handed on at once when they are many', () => {
    const { batch, written } = start();
    const line = `${'x'.repeat(1023)}\n`;
    for (let count = 0; count < 33; count++) batch.write(line);
    expect(written).toEqual([line.repeat(32)]);
  });

  it('are all written before flush returns', () => {
    const { batch, clock, written } = start();
    batch.write('a\n');
    batch.flush();
    expect(written).toEqual(['a\n', '<sync>']);
    clock.advance(1000);
    expect(written).toHaveLength(2);
  });
});
