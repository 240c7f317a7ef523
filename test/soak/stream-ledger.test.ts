import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fitTrend } from '../support/process-meter.ts';
import { StreamLedger } from './stream-ledger.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const event = 'id: 1\ndata: {"text":": keepalive"}\n\n';

describe('the ledger of a stream', () => {
  it('takes comments between events out, in any chunking', () => {
    for (const size of [1, 2, 7, 1000]) {
      const ledger = new StreamLedger(0);
      const text = `${event}: keepalive\n\n: keepalive\n\n${event}`;
      for (let at = 0; at < text.length; at += size) ledger.receive(text.slice(at, at + size), at);
      expect(ledger.comments).toBe(2);
      expect(ledger.events).toBe(2);
      expect(ledger.digest()).toBe(sha(event + event));
    }
  });

  it('control: a comment inside an event, a lost byte and a comment of the server spoil or keep the digest', () => {
    const digestOf = (text: string): string => {
      const ledger = new StreamLedger(0);
      ledger.receive(text, 0);
      return ledger.digest();
    };
    expect(digestOf(`data: 1: keepalive\n\n2\n\n`)).not.toBe(sha('data: 12\n\n'));
    expect(digestOf(event.slice(1))).not.toBe(sha(event));
    expect(digestOf(': from the server\n\n')).toBe(sha(': from the server\n\n'));
  });

  it('measures silence, but not inside an event', () => {
    const ledger = new StreamLedger(0);
    ledger.receive(': keepalive\n\n', 15);
    ledger.receive('data: ', 20);
    ledger.receive('1\n\n', 60);
    ledger.receive(': keepalive\n\n', 75);
    expect(ledger.silences).toEqual([15, 5, 15]);
  });
});

describe('the trend of a series', () => {
  const series = (value: (index: number) => number): ReturnType<typeof fitTrend> =>
    fitTrend(Array.from({ length: 100 }, (_, index) => ({ at: index * 1000, value: value(index) })));

  it('sees a leak and no leak, whatever happened during warm-up', () => {
    expect(series((index) => 1000 + index).growth).toBeCloseTo(79);
    expect(series((index) => (index < 20 ? index * 50 : 1000))).toEqual({
      growth: 0,
      span: 79_000,
      mean: 1000,
      first: 1000,
      last: 1000,
    });
  });
});
