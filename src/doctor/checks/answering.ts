import { fault, pass, skip, type Check } from '../check.ts';
import { describeFailure, findExchange, isHtml, isServed, onAnswer, show, whyNotAsked } from '../reading.ts';

const transport = 'MCP 2025-11-25 Transports, Sending Messages to the Server';

/** Whether there is a server of MCP at the address at all. */
export const answeringChecks: readonly Check[] = [
  {
    id: 'http-no-answer',
    layer: 'http',
    severity: 'error',
    title: '`initialize` is answered',
    why: 'no client gets further than its first message',
    reference: transport,
    advice: 'look whether the proxy reaches the server, and in the logs of both at this moment',
    requirement: 'own-errors',
    judge(facts) {
      const exchange = findExchange(facts, 'initialize');
      if (exchange === undefined) return skip(whyNotAsked(facts));
      if (exchange.outcome === 'failed') {
        return fault(`\`initialize\` got no answer: ${describeFailure(exchange)}`, show(exchange));
      }
      const { ended, bytes, status } = exchange.answer;
      if (ended === 'timeout')
        return fault(`the answer (${status}) did not end in time: ${bytes} bytes came`, show(exchange));
      if (ended === 'cut')
        return fault(`the answer (${status}) broke off after ${bytes} bytes`, show(exchange));
      return pass(`${status} after ${exchange.answer.head} ms`);
    },
  },
  {
    id: 'http-endless-answer',
    layer: 'http',
    severity: 'error',
    title: 'the answer to `initialize` is of a sensible size',
    why: 'a client reads until its memory is full, or gives up',
    reference: transport,
    advice: 'find out what answers at this address: it is no server of MCP',
    judge: onAnswer('initialize', ({ bytes, ended, rpc }, exchange) =>
      ended === 'enough' && rpc === undefined
        ? fault(`more than ${Math.round(bytes / 1024)} KiB came without a JSON-RPC answer`, show(exchange))
        : pass(`${bytes} bytes`),
    ),
  },
  {
    id: 'http-not-found',
    layer: 'http',
    severity: 'error',
    title: 'the endpoint is where the address says',
    why: 'clients read 404 as "no MCP server here", and some go on to look for the transport of 2024',
    reference: 'MCP 2025-11-25 Transports, Backwards Compatibility',
    advice:
      'forward the path as it is: in nginx a `proxy_pass` with a slash at its end replaces the path of the location',
    requirement: 'path-kept',
    judge: onAnswer('initialize', ({ status }, exchange, facts) => {
      if (status !== 404) return pass();
      const elsewhere = facts.http.done ? facts.http.facts.elsewhere : [];
      const hint =
        elsewhere.length === 0
          ? 'the server was not asked for this path, or has another'
          : `a server of MCP answers at ${elsewhere.map((path) => `\`${path}\``).join(', ')}`;
      return fault(`\`initialize\` was answered with 404: ${hint}`, show(exchange));
    }),
  },
  {
    id: 'http-redirected',
    layer: 'http',
    severity: 'error',
    title: 'the endpoint answers without a redirect',
    why: 'clients that follow a redirect send a GET without the body, or leave the token behind',
    reference: 'RFC 9110 section 15.4',
    advice: 'use the address that the redirect leads to, or forward both spellings of the path to the server',
    requirement: 'no-slash-redirect',
    judge: onAnswer('initialize', ({ status, fields }, exchange) =>
      status >= 300 && status < 400
        ? fault(
            `\`initialize\` was answered with ${status} to \`${fields['location'] ?? 'nowhere'}\``,
            show(exchange, ['location']),
          )
        : pass(),
    ),
  },
  {
    id: 'http-downgrade',
    layer: 'http',
    severity: 'error',
    title: 'no redirect leads from HTTPS to plain HTTP',
    why: 'the token and the message go over the network in clear text, or the client gives up',
    reference: 'RFC 6750 section 5.3',
    advice:
      'tell the server that its clients come by HTTPS: forward `X-Forwarded-Proto` and let the server believe its proxy',
    requirement: 'forwarded-headers',
    cap: 'D',
    judge(facts) {
      if (!facts.target.secure) return skip('the address is plain HTTP');
      if (findExchange(facts, 'initialize') === undefined) return skip(whyNotAsked(facts));
      const redirects = (['initialize', 'initialize-slash', 'page'] as const).flatMap((name) => {
        const exchange = findExchange(facts, name);
        const location = exchange?.outcome === 'answered' ? exchange.answer.fields['location'] : undefined;
        return exchange !== undefined && location?.startsWith('http://') === true
          ? [{ exchange, location }]
          : [];
      });
      const [first] = redirects;
      return first === undefined
        ? pass()
        : fault(`a redirect leads to \`${first.location}\``, show(first.exchange, ['location']));
    },
  },
  {
    id: 'http-server-error',
    layer: 'http',
    severity: 'error',
    title: 'the server can be reached by its proxy',
    why: 'every call fails until the server is back',
    reference: 'RFC 9110 section 15.6',
    advice: 'look whether the server runs, and whether the proxy has its right address and port',
    requirement: 'own-errors',
    judge: onAnswer('initialize', ({ status }, exchange) =>
      status >= 500 ? fault(`\`initialize\` was answered with ${status}`, show(exchange)) : pass(),
    ),
  },
  {
    id: 'http-page',
    layer: 'http',
    severity: 'error',
    title: 'messages are answered by a server, not by a page',
    why: 'clients cannot read HTML: a login page or a challenge of a firewall ends every connection',
    reference: transport,
    advice:
      'take the path of the endpoint out of what guards web pages: bot checks, login pages, error pages',
    requirement: 'own-errors',
    judge: onAnswer('initialize', (answer, exchange) =>
      isHtml(answer) && answer.status < 300
        ? fault(`\`initialize\` was answered with a page: \`${titleOf(answer.body)}\``, show(exchange))
        : pass(),
    ),
  },
  {
    id: 'http-post-refused',
    layer: 'http',
    severity: 'error',
    title: 'POST reaches the endpoint',
    why: 'every message of a client is a POST',
    reference: transport,
    advice: 'allow POST, GET, DELETE and OPTIONS for the endpoint',
    requirement: 'methods',
    judge: onAnswer('initialize', ({ status, fields }, exchange) =>
      status === 405 || status === 501
        ? fault(
            `POST was answered with ${status}; allowed: ${fields['allow'] ?? 'not told'}`,
            show(exchange, ['allow']),
          )
        : pass(),
    ),
  },
  {
    id: 'http-refused',
    layer: 'http',
    severity: 'error',
    title: 'the front lets clients of MCP through',
    why: 'a rule against bots or unknown clients shuts out all clients',
    reference: transport,
    advice: 'find the rule that answers 403 or 429 to this request, and except the endpoint from it',
    requirement: 'access-control',
    judge: onAnswer('initialize', (answer, exchange) => {
      const { status, rpc, fields } = answer;
      if (status !== 403 || rpc !== undefined || fields['www-authenticate'] !== undefined) return pass();
      return fault('`initialize` was answered with 403, and not by a server of MCP', show(exchange));
    }),
  },
  {
    id: 'mcp-not-mcp',
    layer: 'mcp',
    severity: 'error',
    title: 'the endpoint speaks MCP',
    why: 'what answers is no server of MCP, or another one than was meant',
    reference: transport,
    advice: 'look where the proxy sends this path',
    requirement: 'path-kept',
    judge: onAnswer('initialize', (answer, exchange, facts) => {
      if (isServed(facts) || answer.rpc !== undefined) return pass();
      if (answer.status < 200 || answer.status >= 300 || answer.ended !== 'end')
        return skip(`answered ${answer.status}`);
      return fault('the answer to `initialize` holds no JSON-RPC message', [
        ...show(exchange),
        `< ${answer.body.slice(0, 120)}`,
      ]);
    }),
  },
];

function titleOf(body: string): string {
  return (/<title>([^<]{0,80})/i.exec(body)?.[1] ?? body.slice(0, 60)).replaceAll(/\s+/g, ' ').trim();
}
