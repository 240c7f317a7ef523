import { request as openRequest, type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { parseResponseHead, type ResponseHead } from '../../../src/http/response-head.ts';
import { fieldLines, headTokens } from '../grammar.ts';
import type { Random } from '../random.ts';
import { readResponseHead } from '../reference/head.ts';
import { hold, type FuzzTarget } from '../target.ts';

const endOfHead = Buffer.from('\r\n\r\n');
const statusLines = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 200 ',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 x',
  'HTTP/1.1 500 caf\xe9',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 202 Accepted',
];
const typeLines = [
  'Content-Type: text/event-stream\r\n',
  'Content-Type: Text/Event-Stream ;x\r\n',
  'Content-Encoding: br\r\n',
];
const oddStatusLines = [
  'HTTP/1.1 99 x',
  'HTTP/1.1 2000 x',
  'HTTP/1.2 200 OK',
  'HTTP/2 200',
  'http/1.1 200 OK',
  'HTTP/1.1  200 OK',
  'HTTP/1.1 2\x000 OK',
  'ICY 200 OK',
  'HTTP/1.1 600 x',
  ' HTTP/1.1 200 OK',
  'HTTP/1.1 200\tOK',
];

/** The parser of upstream heads beside patterns on the whole text, and beside Node's own client. */
export function createResponseHeadTarget(parse: typeof parseResponseHead = parseResponseHead): FuzzTarget {
  return {
    name: 'response-head',
    seeds: [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    tokens: [
      ...headTokens,
      ...statusLines,
      ...oddStatusLines,
      'Keep-Alive: timeout=5, max=1\r\n',
      ...typeLines,
    ],
    generate: (random) => buildResponseHead(random),
    maxBytes: 600,
    async check(input) {
      const whole = Buffer.concat([input, endOfHead]);
      const head = whole.subarray(0, whole.indexOf(endOfHead) + 4);
      const text = head.toString('latin1');
      let outcome = '';
      for (const method of ['POST', 'HEAD']) {
        const parsed = parse(head, head.length, method);
        const expected = readResponseHead(text, method);
        hold(parsed.ok === (expected !== undefined), 'it accepts what the patterns accept', () => [
          text,
          parsed,
        ]);
        if (!parsed.ok) return parsed.error;
        const { keepAliveFor, ...read } = parsed.value;
        hold(isDeepStrictEqual(read, expected), 'it reads what the patterns read', () => [
          text,
          read,
          expected,
        ]);
        hold(
          (keepAliveFor ?? 0) >= 0 && (keepAliveFor ?? 0) < 1e9,
          'the idle time is a sensible number',
          () => text,
        );
        if (read.status >= 200) await checkBesideNode(head, parsed.value, method);
        outcome += `${read.status} ${read.framing.kind} ${String(read.keepAlive)} `;
      }
      return outcome;
    },
  };
}

function buildResponseHead(random: Random): string {
  const first = random.pick(random.oneIn(12) ? oddStatusLines : statusLines);
  const line = (): string =>
    `${random.pick(fieldLines.slice(0, random.oneIn(3) ? fieldLines.length : 26))}\r\n`;
  return `${first}\r\n${random.repeat(0, 4, line)}\r\n`;
}

async function checkBesideNode(head: Buffer, ours: ResponseHead, method: string): Promise<void> {
  const theirs = await readWithNode(head, method);
  const show = (): unknown => [head.toString('latin1'), ours, theirs?.rawHeaders];
  hold(theirs !== undefined, 'Node accepts it too', show);
  hold(theirs.statusCode === ours.status, 'Node reads the same status', show);
  const { framing } = ours;
  if (framing.kind === 'length') {
    hold(Number(theirs.headers['content-length']) === framing.length, 'Node reads the same length', show);
  }
  const isChunked = theirs.headers['transfer-encoding'] !== undefined;
  if (framing.kind !== 'none') {
    hold(isChunked === (framing.kind === 'chunked'), 'Node reads the same coding', show);
  }
}

/** Feeds a head to Node's client; `undefined` when it refuses it. */
async function readWithNode(head: Buffer, method: string): Promise<IncomingMessage | undefined> {
  const socket = new Duplex({
    read() {
      // Input comes as events.
    },
    write: (_bytes, _encoding, done) => done(),
  });
  let seen: IncomingMessage | undefined;
  const request = openRequest({ method, createConnection: () => socket, maxHeaderSize: 128 * 1024 });
  request.on('response', (response) => {
    seen = response;
    response.on('error', () => undefined);
  });
  request.on('upgrade', (response) => (seen = response));
  request.on('error', () => undefined);
  request.end();
  // The client takes its socket in the next tick.
  await new Promise(setImmediate);
  socket.emit('data', head);
  request.destroy();
  socket.destroy();
  return seen;
}
