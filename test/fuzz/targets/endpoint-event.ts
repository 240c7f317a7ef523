import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isDeepStrictEqual } from 'node:util';
import {
  createEndpointRewriter,
  type EndpointRewriter,
  type EndpointStep,
  type RewriteEndpoint,
} from '../../../src/mcp/endpoint-event.ts';
import { cut, cuttings, type Cutting } from '../pieces.ts';
import type { Random } from '../random.ts';
import { hold, type FuzzTarget } from '../target.ts';

/** An announcement that leaves no doubt and has to be rewritten. */
const plainAnnouncement = /^event: ?endpoint(\r\n|\n|\r)data: ?(?![ [{])[^\r\n\0\ufffd\ufeff]+\1\1/;

const rewrite: RewriteEndpoint = (uri) => {
  if (uri.includes('keep')) return undefined;
  return uri.includes('inject')
    ? `/x\n\ndata: ${uri}`
    : `/public?from=${encodeURIComponent(uri.toWellFormed())}`;
};

/** The rewriter of the endpoint event: that event has the new URI, every other byte is as it was, whatever the pieces. */
export function createEndpointEventTarget(
  create: (change: RewriteEndpoint) => EndpointRewriter = createEndpointRewriter,
): FuzzTarget {
  return {
    name: 'endpoint-event',
    seeds: [
      'event: endpoint\ndata: /messages?s=1\n\n',
      'data: {"id":1}\n\n',
      ': hi\r\n\r\nevent:endpoint\r\ndata:/m\r\n\r\n',
    ],
    tokens: [
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'event: endpoint',
      'event:endpoint',
      'event',
      'event: message',
      'data: ',
      'data:',
      'data',
      'data: /m',
      'keep',
      'inject',
      '{',
      '[',
      '\xef\xbb\xbf',
      ' ',
      '\0',
      ':',
      'id: 1',
      '\xc3',
      'retry: 1',
    ],
    generate: (random) => buildStream(random),
    maxBytes: 300,
    check(input) {
      const whole = play(create(rewrite), input, 'whole');
      for (const cutting of cuttings) {
        const seen = play(create(rewrite), input, cutting);
        hold(seen.equals(whole), 'the pieces do not matter', () => [
          cutting,
          input.toString('latin1'),
          seen.toString('latin1'),
        ]);
      }
      return checkRewritten(input, whole);
    },
  };
}

function checkRewritten(input: Buffer, output: Buffer): string {
  const before = parseEvents(input);
  const after = parseEvents(output);
  const show = (): unknown => ({
    input: input.toString('latin1'),
    output: output.toString('latin1'),
    before,
    after,
  });
  const [first] = before;
  const uri = first?.event === 'endpoint' ? rewrite(first.data) : undefined;
  const isMust = plainAnnouncement.test(input.toString());
  if (output.equals(input)) {
    hold(!isMust || uri === undefined || uri.includes('\n'), 'a plain announcement is rewritten', show);
    return `unchanged ${Math.min(before.length, 3)} ${String(first?.event === 'endpoint')}`;
  }
  hold(first?.event === 'endpoint' && uri !== undefined, 'only an endpoint event is changed', show);
  const expected = [{ ...first, data: uri }, ...before.slice(1)];
  hold(isDeepStrictEqual(after, expected), 'only the URI is changed', show);
  return `rewritten ${Math.min(before.length, 3)} ${String(isMust)}`;
}

function play(rewriter: EndpointRewriter, input: Buffer, cutting: Cutting): Buffer {
  const output: Buffer[] = [];
  let isDone = false;
  for (const piece of cut(input, cutting)) {
    // The gateway reads each piece into the same memory.
    const shared = Buffer.from(piece);
    const step: EndpointStep = isDone ? { bytes: shared, done: true } : rewriter.feed(shared);
    isDone = step.done;
    output.push(Buffer.from(step.bytes));
    shared.fill(0);
  }
  return Buffer.concat(isDone ? output : [...output, rewriter.finish()]);
}

function parseEvents(bytes: Buffer): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(bytes.toString());
  return events;
}

function buildStream(random: Random): string {
  const end = random.pick(['\n', '\r\n', '\r']);
  const lead = random.oneIn(4)
    ? random.pick(['\xef\xbb\xbf', `: hi${end}${end}`, `retry: 1${end}`, end])
    : '';
  const uri = random.pick([
    '/messages?s=1',
    'https://a.example/m',
    '/caf\xc3\xa9',
    'keep',
    '/inject',
    ' /x',
    '',
    '{"a":1}',
  ]);
  const lines = [
    `event:${random.pick([' ', '', '  '])}endpoint`,
    `data:${random.pick([' ', '', '  '])}${uri}`,
  ];
  if (random.oneIn(3)) lines.reverse();
  if (random.oneIn(4))
    lines.push(random.pick(['id: 1', 'data: more', 'event: message', ':', 'retry: 9', 'data']));
  const rest = random.oneIn(2) ? `data: {"id":1}${end}${end}` : '';
  return `${lead}${lines.join(end)}${end}${end}${rest}`;
}
