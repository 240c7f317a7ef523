import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventStream } from '../../src/gateway/event-stream.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import type { ResponseSink } from '../../src/http/exchange.ts';
import { buildErrorEvent } from '../../src/mcp/rpc-error.ts';
import { ManualClock } from '../support/manual-clock.ts';

const heartbeat = 15_000;
const comment = ': keepalive\n\n';
const finalEvent = buildErrorEvent({
  id: '1',
  code: -31502,
  message: 'gone',
  reason: 'E_UPSTREAM_BROKE_OFF',
});

/** What a client got, and how it ended. */
class RecordingSink implements ResponseSink {
  readonly headSent = true;
  closed = false;
  outcome: 'open' | 'ended' | 'aborted' = 'open';
  onClose: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly #pieces: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  send(): void {
    throw new Error('a stream is not sent in one piece');
  }

  open(): void {
    throw new Error('the head is out');
  }

  write(bytes: Buffer): void {
    this.#pieces.push(Buffer.from(bytes));
  }

  flush(): boolean {
    return true;
  }

  end(): void {
    this.closed = true;
    this.outcome = 'ended';
  }

  abort(): void {
    this.closed = true;
    this.outcome = 'aborted';
  }
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const line = fc.oneof(
  fc
    .tuple(fc.constantFrom('data', 'id', 'retry', 'x'), fc.string({ maxLength: 8 }))
    .map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n\0]/g, '')}`),
  fc.constantFrom(
    'event: message',
    'event: ping',
    'data',
    'data:',
    ': comment',
    ':',
    'data: ünïcode ✓',
    'retry: 10',
  ),
);
const event = fc
  .tuple(lineEnd, fc.array(line, { minLength: 1, maxLength: 4 }))
  .map(([end, lines]) => `${lines.join(end)}${end}${end}`);
const events = fc.array(event, { minLength: 1, maxLength: 6 });
const mark = fc.constantFrom('', '\ufeff');
/** Places to cut at, and how long the upstream is silent there. */
const silences = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1000, 16_000, 50_000)), { maxLength: 8 });

interface Run {
  readonly sink: RecordingSink;
  readonly stream: EventStream;
  readonly clock: ManualClock;
}

function relay(source: Buffer, cuts: readonly (readonly [number, number])[]): Run {
  const clock = new ManualClock();
  const sink = new RecordingSink();
  const stream = new EventStream({
    sink,
    deadlines: new Deadlines(clock),
    heartbeat,
    endpoint: undefined,
    filter: undefined,
    onRefused: () => undefined,
    onSent: () => undefined,
  });
  let at = 0;
  const ordered = cuts.map(([place, silence]) => [place % (source.length + 1), silence] as const);
  for (const [place, silence] of ordered.toSorted(([left], [right]) => left - right)) {
    stream.write(source.subarray(at, place));
    stream.flush();
    at = place;
    clock.advance(silence);
  }
  stream.write(source.subarray(at));
  stream.flush();
  return { sink, stream, clock };
}

function parse(bytes: Buffer): EventSourceMessage[] {
  const parsed: EventSourceMessage[] = [];
  createParser({ onEvent: (message) => parsed.push(message) }).feed(bytes.toString());
  return parsed;
}

const isMessage = ({ event: type }: EventSourceMessage): boolean => type === undefined || type === 'message';

describe('an event stream under any cutting and any silence', () => {
  it('keeps its events, and its bytes but for comments', () => {
    let comments = 0;
    fc.assert(
      fc.property(mark, events, silences, (start, list, cuts) => {
        const source = Buffer.from(start + list.join(''));
        const { sink, stream } = relay(source, cuts);
        stream.end();
        const text = sink.bytes.toString();
        comments += text.split(comment).length - 1;
        expect(parse(sink.bytes)).toEqual(parse(source));
        expect(text.replaceAll(comment, '').replace('\ufeff', '')).toBe(list.join(''));
        expect(sink.outcome).toBe('ended');
      }),
      { numRuns: 25_000 },
    );
    expect(comments).toBeGreaterThan(3000);
  });

  it('cut off anywhere delivers the whole events as messages, then the error, and never the half one', () => {
    fc.assert(
      fc.property(events, fc.nat(), silences, (list, place, cuts) => {
        const source = Buffer.from(list.join(''));
        const cut = source.subarray(0, place % source.length);
        const { sink, stream } = relay(cut, cuts);
        stream.breakOff(finalEvent);
        const expected = parse(cut).filter(isMessage);
        const messages = parse(sink.bytes).filter(isMessage);
        expect(messages.slice(0, -1).map(({ data }) => data)).toEqual(expected.map(({ data }) => data));
        expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ id: 1, error: { code: -31502 } });
        expect(sink.outcome).toBe('ended');
      }),
      { numRuns: 3000 },
    );
  });

  it('asked to leave anywhere ends between two events, after all of them before it', () => {
    const farewell = Buffer.from('retry: 5\n\n');
    fc.assert(
      fc.property(events, fc.nat(), (list, place) => {
        const source = Buffer.from(list.join(''));
        const at = place % (source.length + 1);
        const { sink, stream } = relay(source.subarray(0, at), []);
        let left = 0;
        stream.leave(farewell, () => left++);
        for (let next = at; next < source.length && left === 0; next++) {
          stream.write(source.subarray(next, next + 1));
          stream.flush();
        }
        expect(left).toBe(1);
        expect(sink.outcome).toBe('ended');
        const text = sink.bytes.toString();
        expect(text.endsWith('retry: 5\n\n')).toBe(true);
        const relayed = sink.bytes.subarray(0, -farewell.length);
        expect(source.subarray(0, relayed.length).equals(relayed)).toBe(true);
        expect(parse(Buffer.concat([relayed, Buffer.from('data: probe\n\n')])).at(-1)).toMatchObject({
          data: 'probe',
        });
      }),
      { numRuns: 3000 },
    );
  });

  it('half a byte order mark behind a comment stays part of its line', () => {
    for (const half of [[0xef], [0xef, 0xbb]]) {
      const source = Buffer.concat([Buffer.from(half), Buffer.from('data: x\n\n')]);
      for (const place of [0, 1, 2]) {
        const { sink, stream } = relay(source, [
          [0, 16_000],
          [place, 0],
        ]);
        stream.end();
        expect(sink.bytes.equals(Buffer.concat([Buffer.from(comment), source]))).toBe(true);
      }
    }
  });

  it('leaves no timer behind, however it ends', () => {
    for (const end of ['end', 'breakOff', 'stop'] as const) {
      const { stream, clock } = relay(Buffer.from('data: 1\n\n'), []);
      expect(clock.pending).toBe(1);
      if (end === 'breakOff') stream.breakOff(undefined);
      else stream[end]();
      expect(clock.pending).toBe(0);
    }
  });
});
