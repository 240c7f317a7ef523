import { isDeepStrictEqual } from 'node:util';
import { readAnswers } from '../../support/answers.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { BodyBudget } from '../../../src/http/body-budget.ts';
import { Deadlines } from '../../../src/http/deadlines.ts';
import type { IncomingRequest, ResponseSink } from '../../../src/http/exchange.ts';
import { H1Connection } from '../../../src/http/h1-connection.ts';
import { buildRequest, headTokens } from '../grammar.ts';
import { cut, cuttings, type Cutting } from '../pieces.ts';
import { readRequests, type ReferenceConversation, type ReferenceMessage } from '../reference/requests.ts';
import { ScriptedSocket } from '../scripted-socket.ts';
import { hold, type FuzzTarget } from '../target.ts';

type Message = Omit<ReferenceMessage, 'framing' | 'keepAlive' | 'expectsContinue'>;

/** What a server took out of the bytes of one connection. */
export interface Conversation extends Omit<ReferenceConversation, 'requests'> {
  readonly requests: readonly Message[];
  /** Status of each answer, in order. */
  readonly statuses: readonly number[];
  /** Bytes still counted against the budget for bodies once the connection is gone. */
  readonly heldBytes: number;
}

interface Delivery {
  readonly input: Buffer;
  readonly cutting: Cutting;
  /** Answers come one piece later than their requests, so that pipelined ones pile up. */
  readonly isLate: boolean;
}

type Converse = (delivery: Delivery) => Conversation;

const limits = { fields: 12, urlBytes: 64, headBytes: 400, bodyBytes: 64 };

/** A whole client connection beside patterns on everything that was sent, whatever the pieces. */
export function createConnectionTarget(talk: Converse = converse): FuzzTarget {
  return {
    name: 'connection',
    seeds: [
      'GET /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
    ],
    tokens: headTokens,
    generate: (random) =>
      random.repeat(1, 3, () => buildRequest(random, random.oneIn(20) ? 'x'.repeat(80) : '{"id":1}')),
    maxBytes: 1500,
    check(input) {
      const expected = readRequests(input.toString('latin1'), limits);
      for (const cutting of cuttings) {
        for (const isLate of cutting === 'random' ? [false, true] : [false]) {
          checkConversation(talk({ input, cutting, isLate }), expected, input);
        }
      }
      const kinds = expected.requests.map(
        ({ framing, body }) => `${framing.kind}${Math.min(body.length, 4)}`,
      );
      return `${kinds.slice(0, 4).join(' ')} ${expected.end}`;
    },
  };
}

function checkConversation(seen: Conversation, expected: ReferenceConversation, input: Buffer): void {
  const show = (): unknown => ({ input: input.toString('latin1'), seen, expected });
  hold(
    isDeepStrictEqual(seen.requests, expected.requests.map(toMessage)),
    'its requests are those of the patterns',
    show,
  );
  hold(seen.end === expected.end, 'it refuses what the patterns refuse', show);
  const refusals = expected.end === 'refused' ? 1 : 0;
  const isAnswered = seen.statuses.length === expected.requests.length + refusals;
  hold(isAnswered, 'each request has one answer', show);
  const isRefused = (seen.statuses.at(-1) ?? 0) >= 400;
  hold(isRefused === (refusals === 1), 'a refusal is the last answer', show);
  hold(seen.heldBytes === 0, 'no memory stays counted', show);
}

/** Plays the bytes to a real connection. */
export function converse({ input, cutting, isLate }: Delivery): Conversation {
  const socket = new ScriptedSocket();
  const clock = new ManualClock(0);
  const bodies = new BodyBudget(1_000_000);
  const requests: Message[] = [];
  const unanswered: ResponseSink[] = [];
  let isRefused = false;
  const handler = (request: IncomingRequest, sink: ResponseSink): void => {
    requests.push(toMessage({ ...request, body: request.body.toString('latin1') }));
    if (isLate) unanswered.push(sink);
    else sink.send(200, [], '');
  };
  const connection = new H1Connection({
    socket: socket.asSocket,
    peer: { address: '192.0.2.1', port: 1, secure: true },
    onClosed: () => undefined,
    environment: {
      settings: {
        headBytes: limits.headBytes,
        head: limits,
        bodyBytes: limits.bodyBytes,
        headTimeout: 10_000,
        bodyTimeout: 30_000,
        idleTimeout: 75_000,
        stallTimeout: 30_000,
      },
      bodies,
      deadlines: new Deadlines(clock),
      handler,
      onRefused: () => (isRefused = true),
    },
  });
  for (const piece of cut(input, cutting)) {
    socket.deliver(piece);
    unanswered.shift()?.send(200, [], '');
  }
  for (let sink = unanswered.shift(); sink !== undefined; sink = unanswered.shift()) sink.send(200, [], '');
  const end = isRefused ? 'refused' : socket.ended ? 'closed' : 'waiting';
  const statuses = readAnswers(socket.written).map(({ status }) => status);
  connection.socket.destroy();
  hold(clock.pending === 0, 'no timer is left');
  return { requests, end, statuses: statuses.filter((status) => status >= 200), heldBytes: bodies.taken };
}

function toMessage({ method, path, query, authority, fields, body }: Message): Message {
  return { method, path, query, authority, fields, body };
}
