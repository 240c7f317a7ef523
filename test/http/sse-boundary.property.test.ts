import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseBoundary } from '../../src/http/sse-boundary.ts';

const comment = ': keepalive\n\n';

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const fieldLine = fc.oneof(
  fc
    .tuple(fc.constantFrom('data', 'event', 'retry', 'x'), fc.string({ maxLength: 10 }))
    .map(([name, value]) => `${name}: ${value.replaceAll(/[\r\n]/g, '')}`),
  fc.constantFrom('data', 'data:', ': comment', ':', 'data: ünïcode ✓', 'idle: 1', 'id'),
  fc.nat(99).map((value) => `id: ${value}`),
);
const stream = fc
  .tuple(
    lineEnd,
    fc.array(fc.array(fieldLine, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }),
  )
  .map(([end, events]) => events.map((lines) => `${lines.join(end)}${end}${end}`).join(''));

function parseEvents(chunks: readonly string[]): { events: EventSourceMessage[]; comments: string[] } {
  const events: EventSourceMessage[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: (text) => comments.push(text),
  });
  for (const chunk of chunks) parser.feed(chunk);
  return { events, comments };
}

/** Cuts the bytes at the given places and puts a comment wherever the boundary says it is safe. */
function relay(bytes: Buffer, cuts: readonly number[]): Buffer {
  const boundary = new SseBoundary();
  const out: Buffer[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  let at = 0;
  for (const place of [...places, bytes.length]) {
    const piece = bytes.subarray(at, place);
    boundary.feed(piece);
    out.push(piece);
    if (boundary.atBoundary) out.push(Buffer.from(comment));
    at = place;
  }
  return Buffer.concat(out);
}

describe('comments between events', () => {
  it('leaves the events and the bytes between the comments as they were, over 100,000 random splits', () => {
    let injected = 0;
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
        const source = Buffer.from(text);
        const relayed = relay(source, cuts);
        const count = relayed.toString().split(comment).length - 1;
        injected += count;
        expect(relayed.toString().replaceAll(comment, '')).toBe(text);
        expect(parseEvents([relayed.toString()]).events).toEqual(parseEvents([text]).events);
      }),
      { numRuns: 100_000 },
    );
    expect(injected).toBeGreaterThan(10_000);
  }, 60_000);

  it('control: a comment put anywhere else would change the events', () => {
    const text = 'data: {"a":1}\n\n';
    const broken = `data: {"a"${comment}:1}\n\n`;
    expect(parseEvents([broken]).events).not.toEqual(parseEvents([text]).events);
  });

  it.each([
    ['id: 1\ndata: x\n\n', true],
    ['id\n\n', true],
    ['id:\r\rdata: x\r\r', true],
    ['data: id: 1\n\n', false],
    ['idle: 1\n\n', false],
    [': id\n\n', false],
  ])('notices an event id in %j: %s', (text, expected) => {
    const boundary = new SseBoundary();
    for (const byte of Buffer.from(text)) boundary.feed(Buffer.from([byte]));
    expect(boundary.sawId).toBe(expected);
    expect(boundary.atBoundary).toBe(true);
  });

  it.each([
    ['', true],
    ['data: x', false],
    ['data: x\n', true],
    ['data: x\r', true],
    ['data: x\r\n', true],
    ['data: x\n\n', true],
    ['data: x\ny', false],
  ])('knows whether %j ends with a line: %s', (text, expected) => {
    const boundary = new SseBoundary();
    for (const byte of Buffer.from(text)) boundary.feed(Buffer.from([byte]));
    expect(boundary.atLineStart).toBe(expected);
  });
});
