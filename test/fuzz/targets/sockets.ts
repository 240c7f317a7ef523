import { isDeepStrictEqual } from 'node:util';
import { buildCall } from '../../support/messages.ts';
import {
  startScriptedUpstream,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../../support/scripted-upstream.ts';
import { buildPlainRequest, buildRequest, headTokens } from '../grammar.ts';
import { cut } from '../pieces.ts';
import { readAnswersTo } from '../reference/answers.ts';
import { readRequestHead } from '../reference/head.ts';
import { readRequests, type ConversationLimits, type ReferenceMessage } from '../reference/requests.ts';
import { createSocketClient } from '../socket-client.ts';
import type { SocketSubject } from '../socket-subjects.ts';
import { hold, type FuzzTarget } from '../target.ts';

export type SocketLimits = ConversationLimits;

/** A target with processes and sockets behind it. */
export interface SocketTarget extends AsyncDisposable {
  readonly target: FuzzTarget;
  /** Requests that were answered, refused ones included. */
  readonly requests: number;
}

const limits: SocketLimits = { fields: 20, urlBytes: 256, headBytes: 2048, bodyBytes: 2048 };
/** Ends whatever was begun: fills each body up to its limit and is no head, so that nothing waits for more. */
const stopper = Buffer.concat([Buffer.alloc(2 * 2048), Buffer.from('\n')]);
const PATIENCE_MILLISECONDS = 20_000;
/** Connections at the same time. */
const WIDTH = 16;
const goodCall = buildCall({ id: 'good' });
const goodInput = Buffer.from(
  `POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${goodCall.length}\r\n\r\n${goodCall}`,
);

interface Recorded {
  readonly serial: number;
  readonly request: ReceivedRequest;
}

/**
 * Hostile bytes over real TLS connections, each from a loopback address of its own, which X-Forwarded-For names at the
 * recording upstream: that is how each recorded request is laid beside what its client sent.
 */
export async function createSocketTarget(
  start: (upstreamPort: number, limits: SocketLimits) => Promise<SocketSubject>,
): Promise<SocketTarget> {
  const recorded: Recorded[] = [];
  let serial = 0;
  const upstream = await startScriptedUpstream((request) => {
    serial++;
    recorded.push({ serial, request });
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { serial } });
    request.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  });
  const subject = await start(upstream.port, limits);
  const client = createSocketClient(subject);
  let running = 0;
  let connections = 0;
  let requests = 0;

  const converse = async (input: Buffer): Promise<string> => {
    const localAddress = toLoopback(connections++);
    const sent = Buffer.concat([input, stopper]);
    const pieces = input.length % 3 === 0 ? cut(sent, 'random').slice(0, 200) : [sent];
    const answered = await client.exchange({ pieces, localAddress, patience: PATIENCE_MILLISECONDS });
    hold(subject.isAlive, 'the gateway lives', () => subject.complaints);
    hold(answered !== undefined, 'it answers or closes', () => input.toString('latin1'));
    const expected = readRequests(sent.toString('latin1'), limits);
    const own = recorded.filter(({ request }) => clientOf(request.head) === localAddress);
    const { answers, served } = checkAnswers({ input, answered, expected: expected.requests, own });
    requests += answers;
    return `${expected.requests.map(({ framing }) => framing.kind.charAt(0)).join('')} ${served} ${expected.end}`;
  };
  const checkQuiet = async (): Promise<void> => {
    const wanted = upstream.requests.reduce((sum, { head, body }) => sum + head.length + 4 + body.length, 0);
    hold(
      upstream.bytes.length === wanted,
      'the upstream got whole requests and nothing else',
      () => upstream.bytes,
    );
    hold(subject.complaints === '', 'no warning and no error comes up', () => subject.complaints);
    forget(upstream, recorded);
    hold((await converse(goodInput)) === 'l 1 closed', 'the next client has its answer');
    forget(upstream, recorded);
  };
  return {
    get requests() {
      return requests;
    },
    target: {
      name: 'sockets',
      seeds: [goodInput.toString('latin1')],
      tokens: headTokens,
      generate: (random) =>
        random.repeat(2, 6, () => {
          const body = buildCall({ id: random.below(10_000) });
          return random.oneIn(3) ? buildRequest(random, body) : buildPlainRequest(random, body);
        }),
      maxBytes: 6000,
      width: WIDTH,
      async check(input) {
        running++;
        let outcome: string;
        try {
          outcome = await converse(input);
        } catch (cause) {
          if (--running === 0) forget(upstream, recorded);
          throw cause;
        }
        if (--running === 0) await checkQuiet();
        return outcome;
      },
    },
    async [Symbol.asyncDispose]() {
      await subject.stop();
      await upstream.stop();
    },
  };
}

/** Lays the answers beside the requests; returns how many there were, and how many of the upstream. */
function checkAnswers(run: {
  readonly input: Buffer;
  readonly answered: string;
  readonly expected: readonly ReferenceMessage[];
  readonly own: readonly Recorded[];
}): { readonly answers: number; readonly served: number } {
  const { answered, expected, own } = run;
  const show = (): unknown => ({
    input: run.input.toString('latin1'),
    answered,
    recorded: own.map(({ request }) => request.head + request.body),
  });
  const answers = readAnswersTo(
    answered,
    expected.map(({ method }) => method),
  );
  hold(answers !== undefined, 'the client gets whole answers and nothing else', show);
  // Our own refusals may close the connection before the requests that came behind.
  const isComplete =
    answers.length === expected.length ||
    answers.length === expected.length + 1 ||
    answers.at(-1)?.closes === true;
  hold(isComplete, 'each request has one answer', show);
  const serials = answers.map(({ status, body }) =>
    status === 200 ? Number(/"serial":(\d+)/.exec(body)?.[1]) : 0,
  );
  const served = serials.filter((serial) => serial > 0);
  hold(
    isDeepStrictEqual(
      served,
      own.map(({ serial }) => serial),
    ),
    'answers and requests match',
    show,
  );
  for (const { serial, request } of own) {
    const meant = expected[serials.indexOf(serial)];
    hold(meant !== undefined, 'nothing that was refused is forwarded', show);
    hold(request.body === meant.body, 'the body is the one that was sent', show);
    checkCanonical(request, meant, show);
  }
  return { answers: answers.length, served: own.length };
}

function checkCanonical(request: ReceivedRequest, meant: ReferenceMessage, show: () => unknown): void {
  const head = readRequestHead(`${request.head}\r\n\r\n`, { fields: 100, urlBytes: 4096 });
  hold(head !== undefined, 'the upstream gets canonical heads', show);
  const isSame = head.method === meant.method && head.path === '/mcp' && head.query === meant.query;
  hold(isSame, 'the target is the one that was sent', show);
  const names = request.head
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')));
  for (const name of ['transfer-encoding', 'connection', 'expect', 'upgrade', 'te', 'keep-alive']) {
    hold(!names.includes(name), `no ${name} is forwarded`, show);
  }
  for (const name of ['host', 'content-length', 'x-forwarded-for']) {
    const isNeeded = name !== 'content-length' || meant.method === 'POST';
    hold(names.filter((other) => other === name).length === (isNeeded ? 1 : 0), `there is one ${name}`, show);
  }
}

function clientOf(head: string): string | undefined {
  return /\r\nx-forwarded-for: (.*)(?:\r\n|$)/.exec(head)?.[1];
}

/** Another address of 127.0.0.0/8 for each connection, the first 64 of them left free for others. */
function toLoopback(connection: number): string {
  const number = 64 + (connection % 60_000);
  return `127.1.${number >> 8}.${number & 0xff}`;
}

function forget(upstream: ScriptedUpstream, recorded: Recorded[]): void {
  upstream.forget();
  recorded.length = 0;
}
