import { createParser, type EventSourceMessage } from 'eventsource-parser';
import * as fc from 'fast-check';
import { specTypeSchemas } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { scanEnvelope } from '../../src/mcp/envelope.ts';
import {
  buildErrorBody,
  buildErrorEvent,
  buildListenCompleteEvent,
  buildRetryEvent,
} from '../../src/mcp/rpc-error.ts';

function readEvents(stream: Buffer): { events: EventSourceMessage[]; retries: number[] } {
  const events: EventSourceMessage[] = [];
  const retries: number[] = [];
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onRetry: (retry) => retries.push(retry),
  });
  parser.feed(stream.toString());
  return { events, retries };
}

const error = { code: -31502, message: 'the "server" is\naway', reason: 'E_UPSTREAM_CLOSED' };

describe('buildErrorBody', () => {
  it.each(['1', '-0', '1e400', '"a\\u0062"', 'null'])('echoes the id %s as it is', (id) => {
    const body = buildErrorBody({ id, ...error });
    expect(body.startsWith(`{"jsonrpc":"2.0","id":${id},"error":`)).toBe(true);
    expect(JSON.parse(body)).toMatchObject({
      error: { code: -31502, message: error.message, data: { reason: 'E_UPSTREAM_CLOSED' } },
    });
  });
});

describe('events', () => {
  it('carries an error as a message event', () => {
    const { events } = readEvents(buildErrorEvent({ id: '"x"', ...error }));
    expect(events).toEqual([
      { id: undefined, event: 'message', data: buildErrorBody({ id: '"x"', ...error }) },
    ]);
  });

  it.each([
    ['7', 7],
    ['"7"', '7'],
  ])('completes a subscription with id %s of the same type', (raw, id) => {
    const { events } = readEvents(buildListenCompleteEvent(raw));
    expect(events).toHaveLength(1);
    const message = JSON.parse(events[0]?.data ?? '') as { result: unknown };
    expect(message).toEqual({
      jsonrpc: '2.0',
      id,
      result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': id } },
    });
    const verdict = specTypeSchemas.SubscriptionsListenResult['~standard'].validate(message.result);
    expect(verdict).not.toHaveProperty('issues');
  });

  it('sets the reconnection time without dispatching an event', () => {
    expect(readEvents(buildRetryEvent(1500))).toEqual({ events: [], retries: [1500] });
  });

  it('sse-injection: whatever the id and the message, one event comes out', () => {
    const anyText = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(anyText, anyText, (id, message) => {
        const request = scanEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'x' })));
        if (request.kind !== 'request') throw new Error('the request was refused');
        const { events } = readEvents(
          buildErrorEvent({ id: request.id, code: 1, message, reason: 'E_INTERNAL' }),
        );
        expect(events).toHaveLength(1);
        expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({ id, error: { message } });
      }),
    );
  });
});
