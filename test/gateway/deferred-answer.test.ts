import { describe, expect, it } from 'vitest';
import { DeferredAnswer, isDeferrable } from '../../src/gateway/deferred-answer.ts';
import type { Exchange } from '../../src/gateway/exchange.ts';
import { SilenceWatch } from '../../src/gateway/watch-silence.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import { parseResponseHead, type ResponseHead } from '../../src/http/response-head.ts';
import { scanEnvelope } from '../../src/mcp/envelope.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface ExchangeChanges {
  readonly message?: string;
  readonly accept?: string;
  readonly transport?: 'streamable-http' | 'http-sse';
  readonly kind?: 'mcp' | 'login';
  readonly status?: number;
  readonly closed?: boolean;
}

const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}';

function buildExchange(changes: ExchangeChanges = {}): Exchange {
  const { message = call, accept = 'application/json, text/event-stream' } = changes;
  const { kind = 'mcp', transport = 'streamable-http', status = 0, closed = false } = changes;
  return {
    request: { method: 'POST', fields: ['accept', accept] },
    envelope: message === '' ? undefined : scanEnvelope(Buffer.from(message)),
    destination: { kind, transport },
    outcome: { status },
    sink: { closed },
  } as unknown as Exchange; // Only what is looked at.
}

function toHead(text: string): ResponseHead {
  const bytes = Buffer.from(`HTTP/1.1 ${text}\r\n\r\n`);
  const head = parseResponseHead(bytes, bytes.length, 'POST');
  if (!head.ok) throw new Error(text);
  return head.value;
}

/** What an answer becomes; the word says at which step it cannot be told. */
function defer(headText: string, pieces: readonly string[] = []): string {
  const answer = new DeferredAnswer(buildExchange());
  if (!answer.begin(toHead(headText))) return 'head';
  let told = '';
  for (const piece of pieces) {
    const bytes = answer.feed(Buffer.from(piece));
    if (bytes === undefined) return 'body';
    told += bytes.toString();
  }
  const end = answer.finish();
  return end === undefined ? 'end' : told + end.toString();
}

const json = '200 OK\r\nContent-Type: application/json; charset=utf-8';
const result = '{"jsonrpc":"2.0","id":1,"result":{}}';
const event = `event: message\ndata: ${result}\n\n`;

describe('an answer may be deferred', () => {
  it.each([
    ['for a call', {}],
    [
      'for a call of the modern era',
      { message: '{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"_meta":{}}}' },
    ],
  ])('%s', (_name, changes) => {
    expect(isDeferrable(buildExchange(changes))).toBe(true);
  });

  it.each<[string, ExchangeChanges]>([
    ['a client that reads JSON alone', { accept: 'application/json' }],
    ['a client that names no type', { accept: '*/*' }],
    ['initialize', { message: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}' }],
    ['a notification', { message: '{"jsonrpc":"2.0","method":"notifications/cancelled"}' }],
    ['a response', { message: result }],
    ['a batch', { message: `[${call}]` }],
    ['no message', { message: '' }],
    ['a message of HTTP+SSE, whose answer goes elsewhere', { transport: 'http-sse' }],
    ['a login', { kind: 'login' }],
    ['an answer that has begun', { status: 200 }],
    ['a client that is gone', { closed: true }],
  ])('not for %s', (_name, changes) => {
    expect(isDeferrable(buildExchange(changes))).toBe(false);
  });
});

describe('a late answer', () => {
  it('of JSON becomes one event, whatever its pieces', () => {
    expect(defer(json, [result])).toBe(event);
    expect(defer(json, result.split(''))).toBe(event);
    expect(defer(`${json}\r\nContent-Encoding: identity`, [result])).toBe(event);
  });

  it('of events stays as it is', () => {
    expect(defer('200 OK\r\nContent-Type: text/event-stream', ['id: 1\nda', 'ta: x\n\n'])).toBe(
      'id: 1\ndata: x\n\n',
    );
  });

  it('without a type is looked at: servers leave it out of errors', () => {
    const error = '"error":{"code":-32001,"message":"Session not found"}';
    expect(defer('404 Not Found', [`{"jsonrpc":"2.0",${error},"id":null}`])).toBe(
      `event: message\ndata: {"jsonrpc":"2.0","id":1,${error}}\n\n`,
    );
  });

  it.each([
    ['204 No Content', 'head'],
    ['200 OK\r\nContent-Type: text/html', 'head'],
    ['502 Bad Gateway\r\nContent-Type: text/plain', 'head'],
    [`${json}\r\nContent-Encoding: gzip`, 'head'],
    ['200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: br', 'head'],
    ['202 Accepted', 'end'],
    [`${json}\r\nContent-Length: 0`, 'end'],
    ['307 Temporary Redirect\r\nLocation: https://example.com/', 'end'],
  ])('of %j cannot be told', (head, step) => {
    expect(defer(head)).toBe(step);
  });

  it('that is long passes as it comes, without its byte order mark, and an error is not held without end', () => {
    const long = `\ufeff{"jsonrpc":"2.0","id":1,"result":{"text":"${'x'.repeat(300_000)}"}}`;
    const pieces = [long.slice(0, 200_000), long.slice(200_000, 299_000), long.slice(299_000)];
    expect(defer(json, pieces)).toBe(`event: message\ndata: ${long.slice(1)}\n\n`);
    expect(defer('500 Oops\r\nContent-Type: application/json', pieces)).toBe('body');
  });
});

describe('the watch for silence', () => {
  it('arms a timer only where it is on, and takes its own back', () => {
    const clock = new ManualClock();
    const deadlines = new Deadlines(clock);
    let after: number | undefined;
    const watch = new SilenceWatch({ deadlines, relays: { snapshot: () => [] }, after: () => after });
    expect(clock.pending).toBe(0);
    after = 10_000;
    watch.update();
    expect(clock.pending).toBe(1);
    after = undefined;
    watch.update();
    expect(clock.pending).toBe(0);
    after = 10_000;
    watch.update();
    watch.close();
    expect(clock.pending).toBe(0);
  });
});
