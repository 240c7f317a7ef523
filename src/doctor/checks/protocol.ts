import { fault, pass, skip, unknown, type Check } from '../check.ts';
import { describeFailure, findAnswer, findExchange, onAnswer, show } from '../reading.ts';

/** Clients allow tokens to be this much out of time; most libraries a minute. */
const mostSkew = 60_000;

/** How HTTP itself is spoken. */
export const protocolChecks: readonly Check[] = [
  {
    id: 'http-old-version',
    layer: 'http',
    severity: 'warning',
    title: 'answers are HTTP/1.1 or newer',
    why: 'HTTP/1.0 has no chunks: every answer ends its connection, and streams are cut by some proxies',
    reference: 'RFC 9112 section 9.3',
    advice: 'speak HTTP/1.1 to the server and to clients',
    requirement: 'client-keep-alive',
    judge: onAnswer('initialize', ({ http }, exchange) =>
      http === '1.0' ? fault('the answer is HTTP/1.0', show(exchange)) : pass(`HTTP/${http}`),
    ),
  },
  {
    id: 'http-h2-differs',
    layer: 'http',
    severity: 'error',
    title: 'HTTP/2 gives the same answers as HTTP/1.1',
    why: 'clients that choose HTTP/2 fail where others work, which looks like chance',
    reference: 'RFC 9113',
    advice: 'compare the HTTP/2 settings of the proxy, or offer HTTP/1.1 alone',
    requirement: 'http2',
    judge(facts) {
      const h1 = findAnswer(facts, 'initialize');
      const h2 = findExchange(facts, 'initialize-h2');
      if (h1 === undefined || h2 === undefined) return skip('it was not asked by both');
      const offered =
        facts.tls.done && facts.tls.facts.usual.outcome === 'agreed' && facts.tls.facts.usual.alpn === 'h2';
      if (h2.outcome === 'failed') {
        return offered
          ? fault(`HTTP/2 is offered, and \`initialize\` failed over it: ${describeFailure(h2)}`, show(h2))
          : skip('HTTP/2 is not offered');
      }
      return h2.answer.status === h1.status
        ? pass()
        : fault(`\`initialize\`: ${h1.status} over HTTP/1.1, ${h2.answer.status} over HTTP/2`, show(h2));
    },
  },
  {
    id: 'http-clock-skew',
    layer: 'http',
    severity: 'warning',
    title: 'the clock of the server is right',
    why: 'tokens count as expired, or as not yet valid, though they are neither',
    reference: 'RFC 7519 section 4.1.4',
    advice: 'let the server keep its time by NTP, and look whether the clock of this machine is right',
    judge: onAnswer('initialize', ({ fields, head }, exchange, facts) => {
      const told = Date.parse(fields['date'] ?? '');
      if (Number.isNaN(told)) return unknown('there is no `Date` in the answer');
      const skew = told - (Date.parse(facts.at) + (facts.spent['http'] ?? 0));
      // `Date` has whole seconds, and the moment of this one request within the layer is not kept.
      if (Math.abs(skew) <= mostSkew + (facts.spent['http'] ?? 0) + head) return pass();
      return fault(
        `the server's clock is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
        show(exchange, ['date']),
      );
    }),
  },
  {
    id: 'http-version-told',
    layer: 'http',
    severity: 'info',
    title: 'answers do not tell versions of software',
    why: 'who looks for servers with a known hole finds this one by a search',
    reference: 'RFC 9110 section 10.2.4',
    advice: 'leave the version out of `Server` and `X-Powered-By`',
    judge: onAnswer('initialize', ({ fields }, exchange) => {
      const told = ['server', 'x-powered-by'].filter((name) => /\/\d|\d\.\d/.test(fields[name] ?? ''));
      return told.length === 0
        ? pass()
        : fault(told.map((name) => `\`${name}: ${fields[name] ?? ''}\``).join(', '), show(exchange, told));
    }),
  },
  {
    id: 'http-trace',
    layer: 'http',
    severity: 'warning',
    title: 'TRACE is refused',
    why: 'the answer to TRACE is the request as the server saw it, with what the proxy added to it',
    reference: 'RFC 9110 section 9.3.8',
    advice: 'allow POST, GET, DELETE and OPTIONS alone',
    requirement: 'methods',
    judge: onAnswer('trace', (answer, exchange) =>
      answer.status === 200 && answer.body.startsWith('TRACE')
        ? fault('TRACE sends the request back', show(exchange))
        : pass(`answered ${answer.status}`),
    ),
  },
  {
    id: 'http-put',
    layer: 'http',
    severity: 'warning',
    title: 'methods that MCP does not have are refused',
    why: 'what stands behind takes requests that nobody meant to open to the internet',
    reference: 'MCP 2025-11-25 Transports, Streamable HTTP',
    advice: 'allow POST, GET, DELETE and OPTIONS alone',
    requirement: 'methods',
    judge: onAnswer('put', ({ status }, exchange) =>
      status >= 200 && status < 300
        ? fault(`PUT was answered with ${status}`, show(exchange))
        : pass(`answered ${status}`),
    ),
  },
  {
    id: 'http-tls-port-speaks-plain',
    layer: 'http',
    severity: 'warning',
    title: 'the port of HTTPS does not serve plain HTTP',
    why: 'a client with `http://` and this port sends its token in clear text',
    reference: 'RFC 9110 section 4.2.2',
    advice: 'refuse plain HTTP on this port',
    requirement: 'http-redirect',
    judge(facts) {
      const exchange = findExchange(facts, 'plain-on-tls');
      if (exchange === undefined) return skip('the address is plain HTTP');
      if (exchange.outcome === 'failed') return pass();
      const { status } = exchange.answer;
      return status < 300
        ? fault(`plain HTTP on the port of HTTPS was answered with ${status}`, show(exchange))
        : pass(`answered ${status}`);
    },
  },
];
