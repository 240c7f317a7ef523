import { fault, pass, skip, unknown, type Severity, type Verdict } from './check.ts';
import type { Answer, Exchange, ExchangeName, Facts, HttpFacts } from './facts.ts';

/** An exchange that was answered. */
export type Answered = Extract<Exchange, { readonly outcome: 'answered' }>;

export function httpFacts(facts: Facts): HttpFacts | undefined {
  return facts.http.done ? facts.http.facts : undefined;
}

export function findExchange(facts: Facts, name: ExchangeName): Exchange | undefined {
  return httpFacts(facts)?.exchanges[name];
}

export function findAnswer(facts: Facts, name: ExchangeName): Answer | undefined {
  const exchange = findExchange(facts, name);
  return exchange?.outcome === 'answered' ? exchange.answer : undefined;
}

/** A judge of one answer: what was not asked is skipped, what got no answer cannot be told. */
export function onAnswer(
  name: ExchangeName,
  judge: (answer: Answer, exchange: Answered, facts: Facts) => Verdict,
): (facts: Facts) => Verdict {
  return (facts) => {
    const exchange = findExchange(facts, name);
    if (exchange === undefined) return skip(whyNotAsked(facts));
    if (exchange.outcome === 'failed') return unknown(`no answer: ${describeFailure(exchange)}`);
    return judge(exchange.answer, exchange, facts);
  };
}

/** The same for what only a session can be asked. */
export function inSession(
  name: ExchangeName,
  judge: (answer: Answer, exchange: Answered, facts: Facts) => Verdict,
): (facts: Facts) => Verdict {
  return (facts) => (isInitialized(facts) ? onAnswer(name, judge)(facts) : skip(whyNoSession(facts)));
}

export function whyNotAsked(facts: Facts): string {
  if (!facts.http.done) return facts.http.because;
  const initialize = facts.http.facts.exchanges.initialize;
  return initialize?.outcome === 'failed' ? '`initialize` got no answer' : 'it was not asked';
}

export function whyNoSession(facts: Facts): string {
  if (isRefused(facts)) return 'the endpoint asks for a credential: name one with `--token-env`';
  if (isModernOnly(facts)) return 'the server speaks revisions without sessions alone';
  return '`initialize` was not answered with a result';
}

/** Whether `initialize` was answered as MCP says. */
export function isInitialized(facts: Facts): boolean {
  return findAnswer(facts, 'initialize')?.rpc?.kind === 'result';
}

/** Whether a server answers `server/discover` but not `initialize`. */
export function isModernOnly(facts: Facts): boolean {
  return !isInitialized(facts) && findAnswer(facts, 'discover')?.rpc?.kind === 'result';
}

/** Whether the endpoint serves this caller in either era. */
export function isServed(facts: Facts): boolean {
  return isInitialized(facts) || isModernOnly(facts);
}

/** Whether the endpoint wants a credential that it was not given, or not this one. */
export function isRefused(facts: Facts): boolean {
  const status = findAnswer(facts, 'initialize')?.status;
  return status === 401 || status === 403;
}

export function isAccepted({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}

/** Whether an answer can only come from a server of MCP, or from what guards one. */
export function isFromServer({ rpc, status, fields }: Answer): boolean {
  return rpc !== undefined || (status === 401 && fields['www-authenticate']?.startsWith('Bearer') === true);
}

export function typeOf({ fields }: Answer): string {
  return (fields['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

export function isHtml(answer: Answer): boolean {
  return typeOf(answer) === 'text/html' || /^\s*<(?:!doctype|html|head|center)/i.test(answer.body);
}

/** The request and the answer as lines, for whoever has to show somebody else what happened. */
export function show(exchange: Exchange, fields: readonly string[] = []): readonly string[] {
  const sent = fields.flatMap((name) => line(name, exchange.sent));
  const request = `> ${exchange.method} ${exchange.url}`;
  if (exchange.outcome === 'failed') return [request, ...sent, `< ${describeFailure(exchange)}`];
  const { answer } = exchange;
  const kept = [...new Set(['content-type', 'server', ...fields])].flatMap((name) =>
    line(name, answer.fields, '<'),
  );
  return [request, ...sent, `< ${answer.status} (HTTP/${answer.http})`, ...kept];
}

function line(name: string, fields: Readonly<Record<string, string>>, mark = '>'): readonly string[] {
  const value = fields[name];
  return value === undefined ? [] : [`${mark} ${name}: ${value.slice(0, 200)}`];
}

const failures: Readonly<Record<Extract<Exchange, { outcome: 'failed' }>['failure'], string>> = {
  refused: 'the connection was refused',
  reset: 'the connection was reset',
  cut: 'the connection ended before an answer',
  timeout: 'nothing came in time',
  garbage: 'what came is not HTTP',
  'head-too-large': 'the head of the answer is over 64 KiB',
  tls: 'TLS was not agreed',
  failed: 'it failed',
};

export function describeFailure({ failure, code }: Extract<Exchange, { outcome: 'failed' }>): string {
  return `${failures[failure]} (${code})`;
}

/** A verdict on whether something that should be refused was. */
export function refusalVerdict(
  exchange: Answered,
  options: { readonly seen: string; readonly fields: readonly string[]; readonly severity?: Severity },
): Verdict {
  return isAccepted(exchange.answer)
    ? fault(options.seen, show(exchange, options.fields), options.severity)
    : pass(`answered ${exchange.answer.status}`);
}
