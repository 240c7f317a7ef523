import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isDeepStrictEqual } from 'node:util';
import { ManualClock } from '../../support/manual-clock.ts';
import { EventStream } from '../../../src/gateway/event-stream.ts';
import { Deadlines } from '../../../src/http/deadlines.ts';
import type { ResponseSink } from '../../../src/http/exchange.ts';
import { buildErrorEvent } from '../../../src/mcp/rpc-error.ts';
import { cut, cuttings } from '../pieces.ts';
import { Random, toSeed } from '../random.ts';
import { hold, type FuzzTarget } from '../target.ts';

const HEARTBEAT = 15_000;
const comment = ': keepalive\n\n';
const byteOrderMark = '\xef\xbb\xbf';
const finalEvent = buildErrorEvent({
  id: '1',
  code: -31_502,
  message: 'gone',
  reason: 'E_UPSTREAM_BROKE_OFF',
});
const farewell = Buffer.from('retry: 5\n\n');

/** How a stream may end: the upstream ends it, breaks it off, or the gateway leaves. */
type Ending = 'end' | 'break' | 'leave';
const endings: readonly Ending[] = ['end', 'break', 'leave'];

interface StreamSource {
  readonly pieces: readonly Buffer[];
  /** Milliseconds of silence before each piece. */
  readonly silences: readonly number[];
  readonly ending: Ending;
}

/** Bytes the client got, and whether the stream was told to end. */
type RelayStream = (source: StreamSource) => { readonly bytes: Buffer; readonly hasEnded: boolean };

/** The relay of event streams: the client's events are the upstream's, whatever the pieces, silences and the end. */
export function createEventStreamTarget(relay: RelayStream = relayStream): FuzzTarget {
  return {
    name: 'event-stream',
    seeds: [
      'data: 1\n\n',
      '\xef\xbb\xbfid: 1\r\ndata: x\r\n\r\nevent: message\ndata: y\n\n',
      'data: a\rdata: b\r\r',
    ],
    tokens: [
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '\r\r',
      '\r\n\r\n',
      '\xef\xbb\xbf',
      '\xef',
      '\xef\xbb',
      '\0',
      ': keepalive',
      'data',
      'data:',
      'data: x',
      'event: message',
      'event',
      'id',
      'id: 1',
      'retry: 1',
      '\xc3',
      '\xa9',
      ':',
    ],
    generate: (random) => random.repeat(1, 5, () => buildEvent(random)),
    maxBytes: 300,
    check(input) {
      const outcomes: string[] = [];
      for (const cutting of cuttings) {
        const pieces = cut(input, cutting);
        const random = new Random(toSeed(input) ^ cutting.length);
        const quiet = cutting === 'bytes' ? 16 : 2;
        const silences = pieces.map(() => (random.oneIn(quiet) ? random.pick([1000, 16_000, 35_000]) : 0));
        // Above all a comment before the first byte, where a byte order mark may come.
        if (cutting === 'whole' || random.oneIn(2)) silences[0] = 20_000;
        for (const ending of cutting === 'bytes' ? (['end'] as const) : endings) {
          const { bytes, hasEnded } = relay({ pieces, silences, ending });
          outcomes.push(checkStream({ input, relayed: bytes, ending, hasEnded }));
        }
      }
      return outcomes.join(' ');
    },
  };
}

function checkStream(run: { input: Buffer; relayed: Buffer; ending: Ending; hasEnded: boolean }): string {
  const { input, relayed, ending, hasEnded } = run;
  const events = parseEvents(input);
  const seen = parseEvents(relayed);
  const show = (): unknown => ({
    ending,
    input: input.toString('latin1'),
    relayed: relayed.toString('latin1'),
  });
  switch (ending) {
    case 'end':
      hold(isDeepStrictEqual(seen, events), 'the events are those of the upstream', show);
      hold(isSameBytes(relayed, input), 'the bytes are those of the upstream', show);
      break;
    case 'break': {
      const messages = seen.filter(isMessage);
      const last = messages.pop();
      hold(last?.data === parseEvents(finalEvent)[0]?.data, 'the last message is our error', show);
      const expected = events.filter(isMessage);
      hold(
        isDeepStrictEqual(messages.map(toData), expected.map(toData)),
        'half an event reaches nobody',
        show,
      );
      break;
    }
    case 'leave': {
      const isBetweenEvents = hasEnded && relayed.toString('latin1').endsWith(farewell.toString());
      const probed = parseEvents(Buffer.concat([relayed, Buffer.from('data: probe\n\n')]));
      if (isBetweenEvents) {
        hold(
          probed.at(-1)?.data === 'probe' && isMessage(probed.at(-1)),
          'it leaves between two events',
          show,
        );
      }
      hold(isDeepStrictEqual(seen, events.slice(0, seen.length)), 'what came before it left is whole', show);
      return `${Math.min(seen.length, 3)}${hasEnded ? 'left' : 'waits'}`;
    }
  }
  const comments = relayed.toString('latin1').split(comment).length - 1;
  return `${Math.min(events.length, 3)}${Math.min(comments, 2)}`;
}

function parseEvents(bytes: Buffer): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(bytes.toString());
  return events;
}

function isMessage(event: EventSourceMessage | undefined): boolean {
  return (
    event !== undefined && (event.event === undefined || event.event === 'message' || event.event === '')
  );
}

function toData({ data }: EventSourceMessage): string {
  return data;
}

/** Comments may come between, and behind one a byte order mark may be left out, or what stands for half of one. */
function isSameBytes(relayed: Buffer, input: Buffer): boolean {
  const [seen = '', sent = ''] = [relayed, input].map((bytes) =>
    bytes.toString('latin1').replaceAll(comment, ''),
  );
  if (seen === sent || (seen === '' && byteOrderMark.startsWith(sent))) return true;
  return sent.startsWith(byteOrderMark) && seen === sent.slice(byteOrderMark.length);
}

function buildEvent(random: Random): string {
  const end = random.pick(['\n', '\r\n', '\r']);
  const line = (): string =>
    random.pick(['data: ', 'data:', 'data', 'id: ', 'event: ', 'event: message', 'retry: ', ':', 'x: ']) +
    random.repeat(0, 3, () => random.pick(['a', '1', ' ', '{"id":1}', '\xc3\xa9', ':', 'id'])) +
    (random.oneIn(20) ? random.pick(['\n', '\r', '\r\n']) : end);
  const mark = random.oneIn(10) ? random.pick(['\xef\xbb\xbf', '\xef\xbb', '\xef']) : '';
  return mark + random.repeat(1, 4, line) + (random.oneIn(10) ? '' : end);
}

/** Plays a source to a real stream. */
export function relayStream({ pieces, silences, ending }: StreamSource): ReturnType<RelayStream> {
  const clock = new ManualClock(0);
  const sent: Buffer[] = [];
  let hasEnded = false;
  const sink: ResponseSink = {
    headSent: true,
    closed: false,
    onClose: undefined,
    onDrain: undefined,
    send: () => undefined,
    open: () => undefined,
    write(bytes) {
      hold(!hasEnded, 'nothing is written behind the end');
      sent.push(Buffer.from(bytes));
    },
    flush: () => true,
    end: () => void (hasEnded = true),
    abort: () => void (hasEnded = true),
  };
  const deadlines = new Deadlines(clock);
  const stream = new EventStream({
    sink,
    deadlines,
    heartbeat: HEARTBEAT,
    endpoint: undefined,
    filter: undefined,
    onRefused: () => undefined,
    onSent: () => undefined,
  });
  for (const [index, piece] of pieces.entries()) {
    clock.advance(silences[index] ?? 0);
    if (ending === 'leave' && index === pieces.length >> 1) stream.leave(farewell, () => undefined);
    if (hasEnded) break;
    stream.write(piece);
    stream.flush();
  }
  if (ending === 'end') stream.end();
  if (ending === 'break') stream.breakOff(finalEvent);
  if (ending === 'leave' && !hasEnded) stream.stop();
  hold(clock.pending === 0, 'no timer is left');
  return { bytes: Buffer.concat(sent), hasEnded };
}
