import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerEvent, buildAnswerEvent } from '../../src/mcp/answer-event.ts';

function readEvents(stream: Buffer): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(stream.toString());
  return events;
}

function readMessage(stream: Buffer | undefined): unknown {
  const [event, ...others] = readEvents(stream ?? Buffer.alloc(0));
  expect(others).toEqual([]);
  expect(event?.event).toBe('message');
  return JSON.parse(event?.data ?? '');
}

function build(text: string, id = '1'): Buffer | undefined {
  return buildAnswerEvent(Buffer.from(text), id);
}

describe('AnswerEvent', () => {
  it('is one event that means the same, whatever the lines and the pieces', () => {
    const breaks = fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\r\n', '\n\r');
    fc.assert(
      fc.property(fc.json(), fc.array(breaks), fc.array(fc.nat(40)), (json, ends, sizes) => {
        // Line ends between tokens: `indent` puts one behind each.
        const lines = JSON.stringify(JSON.parse(json), undefined, 1).split('\n');
        const text = lines.map((line, at) => line + (ends[at % (ends.length || 1)] ?? '\n')).join('');
        let rest = Buffer.from(text);
        const event = new AnswerEvent();
        const parts: Buffer[] = [];
        for (const size of sizes) {
          parts.push(event.feed(rest.subarray(0, size)));
          rest = rest.subarray(size);
        }
        parts.push(event.feed(rest), event.finish());
        expect(readMessage(Buffer.concat(parts))).toEqual(JSON.parse(json));
      }),
    );
  });

  it('sse-injection: a line of the text is no field, and an empty one ends nothing', () => {
    const event = new AnswerEvent();
    const text = '{"a":\n\nid: 7\nevent: other\n\r\ndata: 1}';
    const stream = Buffer.concat([event.feed(Buffer.from(text)), event.finish()]);
    expect(readEvents(stream)).toEqual([
      { event: 'message', id: undefined, data: text.replaceAll('\r\n', '\n') },
    ]);
  });

  it('control: without lines of its own each empty line would end an event', () => {
    expect(readEvents(Buffer.from('data: {"a":\n\nid: 7\ndata: 1}\n\n'))).toHaveLength(2);
  });

  it('keeps every byte that is no line end', () => {
    const bytes = Buffer.from([...Array(256).keys()].filter((byte) => byte !== 0x0a && byte !== 0x0d));
    const event = new AnswerEvent();
    const stream = event.feed(Buffer.concat([bytes, Buffer.from('\n'), bytes]));
    expect(stream.toString('latin1')).toBe(
      `event: message\ndata: ${bytes.toString('latin1')}\ndata: ${bytes.toString('latin1')}`,
    );
  });
});

describe('buildAnswerEvent', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"result":{"n":1e400}}', '1'],
    ['{"jsonrpc":"2.0","id":"a","result":{}}', '"\\u0061"'],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}', '1.0'],
  ])('passes %s on as it is', (text, id) => {
    expect(build(text, id)?.toString()).toBe(`event: message\ndata: ${text}\n\n`);
  });

  it('leaves a byte order mark out, which no reader of an event would skip', () => {
    expect(readMessage(build('\ufeff{"id":1,"result":{}}'))).toEqual({ id: 1, result: {} });
  });

  it.each(['null', '2', '"1"'])('gives an error for the id %s the id that is waited for', (id) => {
    const error = { code: -32001, message: 'Session not found', data: { hint: 'x' } };
    const text = `{"jsonrpc":"2.0","error":${JSON.stringify(error)},"id":${id}}`;
    expect(readMessage(build(text, '1'))).toEqual({ jsonrpc: '2.0', id: 1, error });
  });

  it.each([
    '',
    ' \n',
    '<html></html>',
    'null',
    '"text"',
    '[]',
    '[{"jsonrpc":"2.0","id":1,"result":{}}]',
    '{}',
    '{"id":1}',
    '{"jsonrpc":"2.0","id":1,"result":{}',
    '{"jsonrpc":"2.0","id":1,"method":"x"}',
    '{"jsonrpc":"2.0","id":2,"result":{}}',
    '{"jsonrpc":"2.0","id":null,"result":{}}',
    '{"error":"invalid_token"}',
    '{"error":{"code":"1","message":"x"},"id":null}',
    '{"error":{"code":1},"id":null}',
  ])('is nothing for %j', (text) => {
    expect(build(text)).toBeUndefined();
  });
});
