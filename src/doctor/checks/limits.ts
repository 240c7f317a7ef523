import { fault, pass, skip, type Check } from '../check.ts';
import type { Exchange } from '../facts.ts';
import {
  describeFailure,
  findAnswer,
  findExchange,
  httpFacts,
  isHtml,
  isServed,
  onAnswer,
  show,
} from '../reading.ts';

/** What a person notices. */
const slowAnswer = 1500;

/** How much the endpoint takes, and how it says that it is too much. */
export const limitChecks: readonly Check[] = [
  {
    id: 'limits-body',
    layer: 'limits',
    severity: 'error',
    title: 'tool arguments of a megabyte are taken',
    why: 'a file or a long text as an argument is answered with 413',
    reference: 'RFC 9110 section 15.5.14',
    advice:
      'raise the limit on request bodies to 4 MiB or more: nginx takes 1 MiB unless it is told otherwise',
    requirement: 'body-limit',
    judge(facts) {
      const exchange = findExchange(facts, 'body-1m');
      if (exchange === undefined || !isServed(facts)) return skip('the endpoint does not serve this caller');
      if (exchange.outcome === 'failed')
        return fault(`a message of 1.1 MiB: ${describeFailure(exchange)}`, show(exchange));
      const { status } = exchange.answer;
      return status === 413 || status >= 500
        ? fault(`a message of 1.1 MiB is answered with ${status}`, show(exchange))
        : pass(`answered ${status}`);
    },
  },
  {
    id: 'limits-body-status',
    layer: 'limits',
    severity: 'info',
    title: 'what is too large is answered with 413',
    why: 'a client sees a broken connection, and tries again with the same message',
    reference: 'RFC 9110 section 15.5.14',
    advice: 'answer 413 and read the rest, or close after the answer',
    requirement: 'body-limit',
    judge(facts) {
      const exchange = findExchange(facts, 'body-5m');
      if (exchange === undefined || !isServed(facts)) return skip('the endpoint does not serve this caller');
      if (exchange.outcome === 'failed')
        return fault(`a message of 5 MiB: ${describeFailure(exchange)}`, show(exchange));
      const { status } = exchange.answer;
      return status >= 500
        ? fault(`a message of 5 MiB is answered with ${status}`, show(exchange))
        : pass(`answered ${status}`);
    },
  },
  {
    id: 'limits-head',
    layer: 'limits',
    severity: 'error',
    title: 'tokens of 7 KiB are taken',
    why: 'tokens that list the groups of a user are long: only those people cannot log in',
    reference: 'RFC 6585 section 5',
    advice: 'allow request heads of 16 KiB',
    requirement: 'header-room',
    judge(facts) {
      const exchange = findExchange(facts, 'long-token');
      if (exchange === undefined) return skip('it was not asked');
      if (exchange.outcome === 'failed')
        return fault(`a head with a token of 7 KiB: ${describeFailure(exchange)}`, show(exchange));
      const { status } = exchange.answer;
      const tooLarge = status === 431 || status === 494 || status === 414 || status >= 500;
      const bare = findAnswer(facts, 'initialize-made-up')?.status;
      return tooLarge || (status === 400 && bare !== 400)
        ? fault(`a head with a token of 7 KiB is answered with ${status}`, show(exchange))
        : pass(`answered ${status}`);
    },
  },
  {
    id: 'limits-rate-early',
    layer: 'limits',
    severity: 'warning',
    title: 'twenty calls in a row are served',
    why: 'a client lists tools, prompts and resources at its start, and is refused before its user has done anything',
    reference: 'RFC 6585 section 4',
    advice: 'allow bursts of fifty calls',
    requirement: 'rate-limit',
    judge(facts) {
      const calls = httpFacts(facts)?.persistent ?? [];
      if (calls.length < 2) return skip('no calls in a row were made');
      const refused = calls.findIndex(isRateLimited);
      return refused < 0
        ? pass(`${calls.length} calls`)
        : fault(`call ${refused + 1} in a row was refused`, show(calls[refused] ?? (calls[0] as Exchange)));
    },
  },
  {
    id: 'limits-no-retry-after',
    layer: 'limits',
    severity: 'warning',
    title: 'who calls too often is told when to come back',
    why: 'clients try again at once, which keeps them shut out',
    reference: 'RFC 6585 section 4',
    advice: 'answer 429 with `Retry-After`',
    requirement: 'rate-limit',
    judge(facts) {
      const first = listAll(httpFacts(facts)?.exchanges, httpFacts(facts)?.persistent).find(isRateLimited);
      if (first === undefined) return skip('no limit was met');
      const answer = first.outcome === 'answered' ? first.answer : undefined;
      if (answer?.status === 503) return fault('503 instead of 429: clients read an outage', show(first));
      return answer?.fields['retry-after'] === undefined
        ? fault('429 without `Retry-After`', show(first))
        : pass();
    },
  },
  {
    id: 'limits-rate-page',
    layer: 'limits',
    severity: 'warning',
    title: 'refusals for too many calls are no pages',
    why: 'clients show HTML, or a parse error, in place of the reason',
    reference: 'MCP 2025-11-25 Transports, Sending Messages to the Server',
    advice: 'answer 429 without a page',
    requirement: 'rate-limit',
    judge(facts) {
      const refused = listAll(httpFacts(facts)?.exchanges, httpFacts(facts)?.persistent).filter(
        isRateLimited,
      );
      if (refused.length === 0) return skip('no limit was met');
      const page = refused.find((each) => each.outcome === 'answered' && isHtml(each.answer));
      return page === undefined ? pass() : fault('a refusal is an HTML page', show(page));
    },
  },
  {
    id: 'limits-slow',
    layer: 'limits',
    severity: 'info',
    title: '`initialize` is answered within a second and a half',
    why: 'people wait for this at the start of every conversation',
    reference: 'MCP 2025-11-25 Lifecycle, Timeouts',
    advice: 'look whether the server starts anew for every session, and where its time goes',
    judge: onAnswer('initialize', ({ end, ended }, exchange) => {
      if (ended === 'timeout') return skip('the answer did not end');
      return end > slowAnswer
        ? fault(`${Math.round(end)} ms`, show(exchange), 'info')
        : pass(`${Math.round(end)} ms`);
    }),
  },
];

function isRateLimited(exchange: Exchange): boolean {
  if (exchange.outcome !== 'answered') return false;
  const { status, fields } = exchange.answer;
  return status === 429 || (status === 503 && fields['retry-after'] !== undefined);
}

function listAll(
  named: Readonly<Partial<Record<string, Exchange>>> | undefined,
  more: readonly Exchange[] | undefined,
): readonly Exchange[] {
  return [...Object.values(named ?? {}).filter((each) => each !== undefined), ...(more ?? [])];
}
