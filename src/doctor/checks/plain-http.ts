import { toHostName } from '../../auth/fetch/target-policy.ts';
import { fault, pass, skip, type Check } from '../check.ts';
import { findAnswer, findExchange, isAccepted, isFromServer, onAnswer, show } from '../reading.ts';

/** What plain HTTP beside HTTPS does, and what HTTPS says of itself. */
export const plainHttpChecks: readonly Check[] = [
  {
    id: 'http-not-secure',
    layer: 'http',
    severity: 'error',
    title: 'the endpoint is reached by HTTPS',
    why: 'tokens, arguments and answers can be read and changed on the way; most clients refuse such an address',
    reference: 'MCP 2025-11-25 Authorization, Communication Security',
    advice: 'put TLS before the server: `breakwater up` does, and `breakwater render` writes it for a proxy',
    requirement: 'http-redirect',
    cap: 'D',
    judge({ target }) {
      if (target.loopback) return skip('the address is this machine');
      return target.secure ? pass() : fault(`\`${target.url}\` is plain HTTP`);
    },
  },
  {
    id: 'http-plain-takes-tokens',
    layer: 'http',
    severity: 'error',
    title: 'plain HTTP takes no tokens',
    why: 'a client that is given an `http://` address sends its token in clear text, and it works, so nobody notices',
    reference: 'RFC 6750 section 5.3',
    advice: 'close the port, or let it redirect pages and answer everything else with 403',
    requirement: 'http-redirect',
    cap: 'D',
    judge(facts) {
      const exchange = findExchange(facts, 'plain-post');
      if (exchange === undefined) return skip('where plain HTTP would be is not known (`--http-port`)');
      if (exchange.outcome === 'failed') return pass('nothing listens there');
      const { answer } = exchange;
      return isAccepted(answer) || isFromServer(answer)
        ? fault(
            `a call with a token over plain HTTP was answered with ${answer.status} by the server`,
            show(exchange, ['authorization']),
          )
        : pass(`answered ${answer.status}`);
    },
  },
  {
    id: 'http-plain-redirects-calls',
    layer: 'http',
    severity: 'info',
    title: 'plain HTTP refuses calls rather than to redirect them',
    why: 'the token has gone over the network in clear text before the redirect is read, on every call',
    reference: 'RFC 6750 section 5.3',
    advice: 'redirect GET alone, and answer other methods with 403',
    requirement: 'http-redirect',
    judge(facts) {
      const exchange = findExchange(facts, 'plain-post');
      if (exchange?.outcome !== 'answered') return skip('plain HTTP does not answer');
      const { status } = exchange.answer;
      return status >= 300 && status < 400
        ? fault(`a POST with a token was answered with ${status}`, show(exchange, ['location']))
        : pass(`answered ${status}`);
    },
  },
  {
    id: 'http-plain-no-redirect',
    layer: 'http',
    severity: 'info',
    title: 'plain HTTP leads pages to HTTPS',
    why: 'people who type the name without a scheme see another page than the one that was meant',
    reference: 'RFC 6797 section 7.2',
    advice: 'answer GET on port 80 with 301 to the same address by HTTPS',
    requirement: 'http-redirect',
    judge(facts) {
      const exchange = findExchange(facts, 'plain-get');
      if (exchange?.outcome !== 'answered') return skip('plain HTTP does not answer');
      const { status, fields } = exchange.answer;
      return status >= 300 && status < 400 && fields['location']?.startsWith('https://') === true
        ? pass(`${status} to \`${fields['location']}\``)
        : fault(`a GET was answered with ${status}`, show(exchange, ['location']));
    },
  },
  {
    id: 'http-plain-redirect-elsewhere',
    layer: 'http',
    severity: 'warning',
    title: 'plain HTTP leads to the same host',
    why: 'who sends another Host header chooses where people are sent',
    reference: 'RFC 9110 section 15.4',
    advice: 'write the public name into the redirect instead of the Host of the request',
    requirement: 'http-redirect',
    judge(facts) {
      const location = findAnswer(facts, 'plain-get')?.fields['location'];
      const exchange = findExchange(facts, 'plain-get');
      const to = location === undefined ? null : URL.parse(location);
      if (to === null || exchange === undefined) return skip('plain HTTP does not redirect');
      return toHostName(to) === facts.target.host
        ? pass()
        : fault(`it leads to \`${to.origin}\``, show(exchange, ['location']));
    },
  },
  {
    id: 'http-no-hsts',
    layer: 'http',
    severity: 'warning',
    title: 'browsers are told to use HTTPS alone',
    why: 'the first request of a browser, on the way to a login, can be caught on plain HTTP',
    reference: 'RFC 6797 section 7.1',
    advice: 'send `Strict-Transport-Security: max-age=31536000` with every answer by HTTPS',
    requirement: 'hsts',
    judge: onAnswer('initialize', ({ fields }, exchange, { target }) => {
      if (!target.secure || target.loopback)
        return skip(target.secure ? 'the address is this machine' : 'no HTTPS');
      const value = fields['strict-transport-security'];
      return value === undefined
        ? fault('there is no `Strict-Transport-Security`', show(exchange))
        : pass(`\`${value}\``);
    }),
  },
  {
    id: 'http-short-hsts',
    layer: 'http',
    severity: 'info',
    title: 'browsers are told so for half a year or longer',
    why: 'a browser forgets it between two visits',
    reference: 'RFC 6797 section 6.1.1',
    advice: 'raise `max-age` to 31536000',
    requirement: 'hsts',
    judge: onAnswer('initialize', ({ fields }, exchange) => {
      const value = fields['strict-transport-security'];
      if (value === undefined) return skip('there is no `Strict-Transport-Security`');
      const seconds = Number(/max-age="?(\d+)/i.exec(value)?.[1] ?? 0);
      return seconds < 15_552_000
        ? fault(`\`max-age\` is ${seconds} s`, show(exchange, ['strict-transport-security']))
        : pass(`${seconds} s`);
    }),
  },
];
