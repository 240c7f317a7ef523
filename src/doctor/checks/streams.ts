import { fault, pass, skip, unknown, type Check } from '../check.ts';
import type { Answer, Facts } from '../facts.ts';
import {
  describeFailure,
  findAnswer,
  findExchange,
  httpFacts,
  inSession,
  isInitialized,
  onAnswer,
  show,
  typeOf,
  whyNoSession,
} from '../reading.ts';

const streams = 'HTML Living Standard, Server-sent events';
const listening = 'MCP 2025-11-25 Transports, Listening for Messages from the Server';
/** Load balancers cut after a minute of silence; half of it leaves room. */
const longestSilence = 31_000;

/** Whether events arrive as they are sent, and streams live. */
export const streamChecks: readonly Check[] = [
  {
    id: 'proxy-stream-head-held',
    layer: 'proxy',
    severity: 'error',
    title: 'the head of a quiet stream arrives at once',
    why: 'the client waits for a stream that is open already, times out, and opens it again and again',
    reference: streams,
    advice:
      'turn response buffering off for the endpoint, and let the server send its head before the first event',
    requirement: 'unbuffered',
    judge(facts) {
      const exchange = findExchange(facts, 'stream');
      if (exchange === undefined)
        return skip(isInitialized(facts) ? 'it was not asked' : whyNoSession(facts));
      if (exchange.outcome === 'answered')
        return pass(`${exchange.answer.status} after ${exchange.answer.head} ms`);
      return exchange.failure === 'timeout'
        ? fault(
            `a stream was opened, and after ${exchange.took} ms not even its head had come`,
            show(exchange),
          )
        : unknown(`the stream could not be opened: ${describeFailure(exchange)}`);
    },
  },
  {
    id: 'proxy-events-held',
    layer: 'proxy',
    severity: 'error',
    title: 'events arrive one by one while a tool works',
    why: 'progress and log messages come all at once when the tool is done, and a long tool looks dead',
    reference: streams,
    advice: 'turn response buffering off for the endpoint',
    requirement: 'unbuffered',
    judge(facts) {
      const exchange = findExchange(facts, 'call');
      if (exchange?.outcome !== 'answered')
        return skip('no tool was called: name one that reports progress with `--call`');
      const call = exchange.answer;
      const { arrivals = [], end, head } = call;
      if (typeOf(call) !== 'text/event-stream') return skip('the answer is no stream of events');
      const events = countEvents(call);
      if (events < 2 || end < 1000) return unknown('the tool was too quick, or reported nothing on its way');
      const first = arrivals[0]?.at ?? end;
      // Everything in the last tenth of a long answer: it was held until the end.
      return first > end * 0.9 && arrivals.length < events
        ? fault(
            `${events} events came together after ${Math.round(first)} ms (head after ${head} ms)`,
            show(exchange),
          )
        : pass(`${events} events between ${Math.round(first)} and ${Math.round(end)} ms`);
    },
  },
  {
    id: 'proxy-compressed-events',
    layer: 'proxy',
    severity: 'error',
    title: 'streams of events are not compressed',
    why: 'a compressor holds events back until its block is full: they arrive late or all at once',
    reference: streams,
    advice: 'take `text/event-stream` out of what is compressed',
    requirement: 'no-compression',
    judge: onAnswer('initialize-compressed', (answer, exchange) => {
      if (!isStream(answer)) return skip('the answer is no stream of events');
      const coding = answer.fields['content-encoding'];
      return coding === undefined || coding === 'identity'
        ? pass()
        : fault(
            `a stream of events comes with \`content-encoding: ${coding}\``,
            show(exchange, ['content-encoding']),
          );
    }),
  },
  {
    id: 'proxy-connection-close',
    layer: 'proxy',
    severity: 'warning',
    title: 'a connection serves more than one call',
    why: 'every call pays a new connection and a new TLS handshake, which is slower by two round trips',
    reference: 'RFC 9112 section 9.3',
    advice: 'let streamed answers be chunked, and keep connections of clients open',
    requirement: 'client-keep-alive',
    judge(facts) {
      const calls = httpFacts(facts)?.persistent.filter((each) => each.outcome === 'answered') ?? [];
      const [first, second] = calls;
      if (first === undefined || second === undefined) return skip('not two calls in a row were answered');
      const closing = calls.filter(({ answer }) => answer.closes).length;
      if (closing > calls.length / 2) {
        return fault(
          `${closing} of ${calls.length} answers close their connection`,
          show(first, ['connection']),
        );
      }
      const again = calls.slice(1).filter(({ answer }) => answer.reused).length;
      return again === 0
        ? fault('every call needed a connection of its own, though no answer said so', show(second))
        : pass(`${again} of ${calls.length - 1} calls found the connection open`);
    },
  },
  {
    id: 'proxy-no-buffering-hint',
    layer: 'proxy',
    severity: 'info',
    title: 'streams say that they must not be buffered or changed',
    why: 'a proxy between, such as one of a company, may hold events back',
    reference: 'MCP 2026-07-28 Streamable HTTP, Receiving Messages',
    advice: 'send `X-Accel-Buffering: no` and `Cache-Control: no-cache, no-transform` with streams',
    requirement: 'unbuffered',
    judge: onAnswer('initialize', (answer, exchange) => {
      if (!isStream(answer)) return skip('the answer is no stream of events');
      const { fields } = answer;
      return fields['x-accel-buffering'] === 'no' ||
        /no-transform|no-store/.test(fields['cache-control'] ?? '')
        ? pass()
        : fault(
            'neither `X-Accel-Buffering` nor `Cache-Control: no-transform`',
            show(exchange, ['cache-control']),
          );
    }),
  },
  {
    id: 'proxy-cached',
    layer: 'proxy',
    severity: 'error',
    title: 'answers do not come from a cache',
    why: 'one caller is given the answer, or the session, of another',
    reference: 'RFC 9111 section 3',
    advice: 'switch caching off for the endpoint',
    requirement: 'no-cache',
    cap: 'D',
    judge(facts) {
      const hits = [...(['initialize', 'discover', 'tools-list'] as const)].flatMap((name) => {
        const exchange = findExchange(facts, name);
        return exchange?.outcome === 'answered' && isCacheHit(exchange.answer) ? [exchange] : [];
      });
      const [hit] = hits;
      if (hit !== undefined)
        return fault('an answer came from a cache', show(hit, ['age', 'x-cache', 'cf-cache-status']));
      return findAnswer(facts, 'initialize') === undefined ? skip('`initialize` got no answer') : pass();
    },
  },
  {
    id: 'proxy-cacheable',
    layer: 'proxy',
    severity: 'warning',
    title: 'answers do not ask to be cached',
    why: 'a cache on the way may give one caller the answer of another',
    reference: 'RFC 9111 section 5.2.2',
    advice: 'send `Cache-Control: no-store` with answers of the endpoint',
    requirement: 'no-cache',
    judge: onAnswer('initialize', ({ fields }, exchange) =>
      /(?:^|[ ,])(?:public|s-maxage=[1-9]|max-age=[1-9])/i.test(fields['cache-control'] ?? '')
        ? fault(`\`cache-control: ${fields['cache-control'] ?? ''}\``, show(exchange, ['cache-control']))
        : pass(),
    ),
  },
  {
    id: 'proxy-idle-cut',
    layer: 'proxy',
    severity: 'error',
    title: 'a quiet stream is not cut',
    why: 'a tool that works for a while without a word, or a quiet listening stream, ends in an error',
    reference: listening,
    advice: 'raise the time-outs of the proxy for the endpoint to a day, and send comments every 15 s',
    requirement: 'long-streams',
    judge(facts) {
      const quiet = quietAnswer(facts);
      if (typeof quiet === 'string') return skip(quiet);
      const idle = facts.asked.idle ?? 0;
      if (quiet.ended === 'enough') return pass(`open after ${Math.round(idle / 1000)} s`);
      return fault(
        `the stream ended after ${(quiet.end / 1000).toFixed(1)} s (watched for ${Math.round(idle / 1000)} s)`,
      );
    },
  },
  {
    id: 'proxy-no-heartbeat',
    layer: 'proxy',
    severity: 'warning',
    title: 'quiet streams carry comments',
    why: 'load balancers cut a silent stream after 60 s, Cloudflare after 100 s, clients after 300 s',
    reference: 'HTML Living Standard, Server-sent events, section 9.2.7',
    advice: 'let the server, or Breakwater before it, send a comment every 15 s',
    requirement: 'heartbeat',
    judge(facts) {
      const quiet = quietAnswer(facts);
      if (typeof quiet === 'string') return skip(quiet);
      const moments = [quiet.head, ...(quiet.arrivals ?? []).map(({ at }) => at), quiet.end];
      const longest = Math.max(...moments.slice(1).map((at, index) => at - (moments[index] ?? 0)));
      if (longest > longestSilence) return fault(`nothing came for ${Math.round(longest / 1000)} s`);
      return quiet.end < longestSilence
        ? unknown('the stream was not watched for long enough: `--idle 45s`')
        : pass(`longest silence ${Math.round(longest / 1000)} s`);
    },
  },
  {
    id: 'proxy-stream-h2-differs',
    layer: 'proxy',
    severity: 'warning',
    title: 'streams open over HTTP/2 as over HTTP/1.1',
    why: 'clients that choose HTTP/2 have no stream while others do',
    reference: 'RFC 9113',
    advice: 'compare the HTTP/2 settings of the proxy, or offer HTTP/1.1 alone',
    requirement: 'http2',
    judge(facts) {
      const h1 = findAnswer(facts, 'stream');
      const h2 = findExchange(facts, 'stream-h2');
      if (h1 === undefined || h2 === undefined || findAnswer(facts, 'initialize-h2') === undefined) {
        return skip('it was not asked by both');
      }
      if (h2.outcome === 'failed') {
        // nginx holds the head of a stream over HTTP/2 until its first event: late, and not lost.
        const isLate = h2.failure === 'timeout' && h1.status === 200;
        return fault(
          isLate
            ? `over HTTP/2 the head had not come after ${h2.took} ms`
            : `${h1.status} over HTTP/1.1, over HTTP/2 ${describeFailure(h2)}`,
          show(h2),
          isLate ? 'info' : 'warning',
        );
      }
      // A server may allow one stream a session, and the first may not be gone for it yet.
      const { status } = h2.answer;
      return status === h1.status || status === 409
        ? pass()
        : fault(`${h1.status} over HTTP/1.1, ${status} over HTTP/2`, show(h2));
    },
  },
  {
    id: 'mcp-stream-refused',
    layer: 'mcp',
    severity: 'warning',
    title: 'a stream for messages of the server opens, or is refused with 405',
    why: 'clients take other refusals than 405 for a broken connection, and try again for ever',
    reference: listening,
    advice: 'let GET reach the server, which answers 405 where it has no such stream',
    requirement: 'methods',
    judge: inSession('stream', (answer, exchange) => {
      if (answer.status === 405) return pass('the server has no such stream');
      if (answer.status !== 200)
        return fault(`GET was answered with ${answer.status}`, show(exchange, ['allow']));
      return isStream(answer) ? pass() : fault(`GET was answered with \`${typeOf(answer)}\``, show(exchange));
    }),
  },
];

function isStream(answer: Answer): boolean {
  return typeOf(answer) === 'text/event-stream';
}

function countEvents({ body }: Answer): number {
  return body.split(/\r?\n\r?\n/).filter((event) => /^data:/m.test(event)).length;
}

function isCacheHit({ fields }: Answer): boolean {
  return (
    /hit/i.test(
      `${fields['x-cache'] ?? ''} ${fields['cf-cache-status'] ?? ''} ${fields['x-cache-status'] ?? ''}`,
    ) || Number(fields['age'] ?? 0) > 0
  );
}

/** The quiet stream as it was watched, or why there is none. */
function quietAnswer(facts: Facts): Answer | string {
  if (facts.asked.idle === undefined) return 'no stream was watched: `--idle 90s`';
  const quiet = httpFacts(facts)?.quiet;
  if (quiet?.outcome !== 'answered') return 'no stream could be opened';
  return isStream(quiet.answer) ? quiet.answer : 'the server has no stream of its own';
}
