import { describe, expect, it } from 'vitest';
import { LineBatch } from '../../src/observe/line-batch.ts';
import { ManualClock } from '../support/manual-clock.ts';

function start(): { batch: LineBatch; clock: ManualClock; written: string[] } {
  const written: string[] = [];
  const clock = new ManualClock();
  const batch = new LineBatch((bytes) => void written.push(bytes.toString()), clock);
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
    for (let count = 0; count < 257; count++) batch.write(line);
    expect(written).toEqual([line.repeat(256)]);
  });

  it('may be longer than a batch', () => {
    const { batch, written } = start();
    const long = `${'x'.repeat(300_000)}\n`;
    batch.write('a\n');
    batch.write(long);
    expect(written).toEqual(['a\n', long]);
  });

  it('are handed on when asked for, once', () => {
    const { batch, clock, written } = start();
    batch.write('a\n');
    batch.handOn();
    expect(written).toEqual(['a\n']);
    clock.advance(1000);
    expect(written).toHaveLength(1);
  });
});
