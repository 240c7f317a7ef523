import { fault, pass, skip, unknown, type Check, type Verdict } from '../check.ts';
import type { Answer, ExchangeName, Facts } from '../facts.ts';
import { findAnswer, findExchange, isAccepted, isFromServer, onAnswer, show, typeOf } from '../reading.ts';

const reference = 'MCP 2025-11-25 Transports, Streamable HTTP';
const advice =
  'match the endpoint exactly (`location = /mcp` in nginx), and answer every other path at the front';

/** Which paths beside the endpoint reach something. */
export const pathChecks: readonly Check[] = [
  {
    id: 'proxy-sibling-exposed',
    layer: 'proxy',
    severity: 'error',
    title: 'paths that begin like the endpoint are not forwarded',
    why: 'whoever calls reaches every path of the server: its other endpoints, its documentation, its health pages',
    reference,
    advice,
    requirement: 'exact-path',
    judge: (facts) => compareWithUnknown(facts, 'sibling'),
  },
  {
    id: 'proxy-beneath-exposed',
    layer: 'proxy',
    severity: 'warning',
    title: 'paths below the endpoint are not forwarded',
    why: 'whatever the server has below the endpoint is open to the internet, without the rules of the endpoint',
    reference,
    advice,
    requirement: 'exact-path',
    judge: (facts) => compareWithUnknown(facts, 'beneath'),
  },
  {
    id: 'proxy-everything-exposed',
    layer: 'proxy',
    severity: 'warning',
    title: 'the front itself answers paths that no one published',
    why: 'every path of the server is open: `/docs`, `/metrics`, an older transport, an admin page',
    reference,
    advice,
    requirement: 'exact-path',
    judge(facts) {
      const exchange = findExchange(facts, 'unknown-path');
      const front = findAnswer(facts, 'initialize')?.fields['server'];
      if (exchange?.outcome !== 'answered') return skip('it was not asked');
      if (front === undefined || !isClassicFront(front)) return skip('no proxy is known to stand in front');
      const { answer } = exchange;
      const server = nameServer(answer);
      return server === undefined
        ? pass(`answered ${answer.status} by the front`)
        : fault(`an unknown path is answered by the server behind \`${front}\` (${server})`, show(exchange));
    },
  },
  {
    id: 'proxy-slash-redirect',
    layer: 'proxy',
    severity: 'warning',
    title: 'the endpoint answers with and without a slash at its end',
    why: 'many clients add or take off a slash: a redirect turns their POST into a GET, or drops the token',
    reference: 'RFC 9110 section 15.4',
    advice: 'forward both spellings to the path that the server has',
    requirement: 'no-slash-redirect',
    judge: onAnswer('initialize-slash', ({ status, fields }, exchange, facts) => {
      if (facts.target.path === '/') return skip('the endpoint is the root');
      return status >= 300 && status < 400
        ? fault(
            `\`${pathOf(exchange.url)}\` is redirected (${status}) to \`${fields['location'] ?? 'nowhere'}\``,
            show(exchange, ['location']),
          )
        : pass(`answered ${status}`);
    }),
  },
  {
    id: 'proxy-slash-unknown',
    layer: 'proxy',
    severity: 'info',
    title: 'the other spelling of the path is known',
    why: 'a client whose user wrote a slash too many, or too few, finds nothing',
    reference: 'RFC 9110 section 4.2.3',
    advice: 'forward both spellings to the path that the server has',
    requirement: 'no-slash-redirect',
    judge: onAnswer('initialize-slash', ({ status }, exchange, facts) => {
      if (facts.target.path === '/') return skip('the endpoint is the root');
      if (findAnswer(facts, 'initialize')?.status === 404) return skip('the endpoint itself is not found');
      return status === 404
        ? fault(`\`${pathOf(exchange.url)}\` is not found`, show(exchange))
        : pass(`answered ${status}`);
    }),
  },
  {
    id: 'proxy-upper-path',
    layer: 'proxy',
    severity: 'info',
    title: 'the path counts with its case',
    why: 'rules that are written for one spelling do not hold for the other',
    reference: 'RFC 3986 section 6.2.2.1',
    advice: 'match paths with their case',
    requirement: 'exact-path',
    judge: (facts) => acceptsSpelling(facts, 'upper-path'),
  },
  {
    id: 'proxy-dot-path',
    layer: 'proxy',
    severity: 'info',
    title: 'paths with dot segments are not resolved into the endpoint',
    why: 'front and server may disagree about which path was meant, and rules are decided on one of them',
    reference: 'RFC 3986 section 5.2.4',
    advice: 'refuse paths with `..` in them',
    requirement: 'exact-path',
    judge: (facts) => acceptsSpelling(facts, 'dot-path'),
  },
];

/** Whether a path that is not the endpoint gets other answers than a path that no one ever had. */
function compareWithUnknown(facts: Facts, name: ExchangeName): Verdict {
  const exchange = findExchange(facts, name);
  const stranger = findAnswer(facts, 'unknown-path');
  if (facts.target.path === '/') return skip('the endpoint is the root: every path is its own');
  if (exchange === undefined || stranger === undefined) return skip('it was not asked');
  if (exchange.outcome === 'failed') return unknown('it got no answer');
  const { answer } = exchange;
  const path = pathOf(exchange.url);
  if (isAccepted(answer) || (isFromServer(answer) && !isFromServer(stranger))) {
    return fault(`\`${path}\` is answered with ${answer.status} by the server`, show(exchange));
  }
  if (isSameAnswer(answer, stranger) || isOneError(answer)) return pass(`answered ${answer.status}`);
  return fault(`\`${path}\` is answered with ${answer.status} by another than what answers unknown paths`, [
    ...show(exchange),
    ...show(findExchange(facts, 'unknown-path') ?? exchange),
  ]);
}

/** Refusals of a front that looks at the path before it looks further. */
function isOneError({ status }: Answer): boolean {
  return status === 400 || status === 403 || status === 414 || status === 421 || status === 429;
}

function isSameAnswer(one: Answer, other: Answer): boolean {
  return one.status === other.status && typeOf(one) === typeOf(other) && shape(one) === shape(other);
}

/** A body without what changes from one request to the next: paths, numbers, identifiers. */
function shape({ body }: Answer): string {
  return body
    .replaceAll(/\/[\w./-]*breakwater-doctor[\w./-]*/g, '/path')
    .replaceAll(/[0-9a-f-]{8,}|\d+/gi, '0')
    .slice(0, 400);
}

function acceptsSpelling(facts: Facts, name: ExchangeName): Verdict {
  const exchange = findExchange(facts, name);
  const endpoint = findAnswer(facts, 'initialize');
  if (exchange === undefined || endpoint === undefined) return skip('it was not asked');
  if (facts.target.path === '/') return skip('the endpoint is the root');
  if (exchange.outcome === 'failed') return unknown('it got no answer');
  const { answer } = exchange;
  return isAccepted(answer) || (isFromServer(answer) && answer.status === endpoint.status)
    ? fault(`\`${pathOf(exchange.url)}\` is the endpoint too`, show(exchange))
    : pass(`answered ${answer.status}`);
}

function isClassicFront(server: string): boolean {
  return /^(?:nginx|openresty|caddy|apache|envoy|traefik|cloudflare)/i.test(server);
}

/** The framework that wrote an error page, by its words. */
function nameServer({ status, body, fields }: Answer): string | undefined {
  if (/^uvicorn|^hypercorn|^gunicorn|^werkzeug/i.test(fields['server'] ?? '')) return fields['server'];
  if (/^Express/i.test(fields['x-powered-by'] ?? '') || /Cannot (?:GET|POST) \//.test(body)) return 'Express';
  if (status === 404 && body === 'Not Found' && typeOf({ fields } as Answer) === 'text/plain')
    return 'Starlette';
  if (body === '{"detail":"Not Found"}') return 'FastAPI';
  return undefined;
}

function pathOf(url: string): string {
  return url.replace(/^[a-z]+:\/\/[^/]*/i, '');
}
