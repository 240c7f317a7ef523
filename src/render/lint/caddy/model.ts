import { argTexts, firstArg, walk, type Directive, type Word } from '../directive.ts';
import { looksLikeEndpoint, looksLikeServer, withoutSlash } from '../endpoint-path.ts';
import { anchorOf, maxEndpoints, maxPlaces, type LintInput, type UnreadInclude } from '../input.ts';
import type { Span } from '../source.ts';
import { globalOptions } from './parse.ts';

/** One `reverse_proxy` with what is around it. */
export interface CaddyEndpoint {
  readonly site: Directive;
  /** From the site to the block that holds the proxy. */
  readonly around: readonly Directive[];
  readonly proxy: Directive;
  /** What the paths must look like; empty where every path matches. */
  readonly patterns: readonly Word[];
  readonly upstreams: readonly Word[];
}

export interface CaddyModel {
  readonly global: Directive | undefined;
  readonly sites: readonly Directive[];
  readonly endpoints: readonly CaddyEndpoint[];
  readonly unread: readonly UnreadInclude[];
  readonly anchor: Span;
}

/**
 * What the rules look at. Endpoints are the proxies whose matcher serves `path`; without one those whose matcher or upstream looks like
 * MCP; without any of these the only proxy of the file. Snippets stand in place of their `import`.
 */
export function buildCaddyModel(input: LintInput): CaddyModel {
  const { directives, unread, path } = input;
  const snippets = new Map(
    directives.filter(isSnippet).map((snippet) => [snippet.name.slice(1, -1), snippet]),
  );
  const expanded = directives
    .filter((directive) => !isSnippet(directive))
    .flatMap((directive) => expand(directive, { snippets, depth: 0 }));
  const global = expanded.find(({ name }) => name === globalOptions);
  const sites = expanded.filter(({ name, block }) => name !== globalOptions && block !== undefined);
  const candidates = sites.flatMap((site) => endpointsIn(site, [site]));
  const endpoints = choose(candidates.slice(0, maxPlaces), path).slice(0, maxEndpoints);
  return { global, sites, endpoints, unread, anchor: anchorOf(input) };
}

/** Directives of a name on the way from the site to the proxy, outermost first, each with whether it stands before a matcher. */
export function alongTheWay(endpoint: CaddyEndpoint, name: string): Directive[] {
  return endpoint.around.flatMap(({ block }) => (block ?? []).filter((directive) => directive.name === name));
}

/** Everything that can decide about a call of the endpoint: the words of the site, without those of other handlers. */
export function wordsAround({ around, proxy }: CaddyEndpoint): string[] {
  const own = new Set([...around, proxy]);
  const seen = around.flatMap(({ block }) =>
    (block ?? []).filter(
      (directive) =>
        own.has(directive) || !/^(?:handle|handle_path|route)$/.test(directive.name) || hasGuard(directive),
    ),
  );
  return [
    ...walk(seen.map((directive) => (around.includes(directive) ? { ...directive, block: [] } : directive))),
  ].flatMap(({ name, args }) => [name, ...args.map(({ text }) => text)]);
}

/** The options of `transport http { … }` of a proxy. */
export function transportOf({ proxy }: CaddyEndpoint): readonly Directive[] {
  return proxy.block?.find(({ name }) => name === 'transport')?.block ?? [];
}

export function optionOf(block: readonly Directive[] | undefined, name: string): Directive | undefined {
  return block?.findLast((directive) => directive.name === name);
}

/** Milliseconds of `30s`, `1h30m`, `2d`; `undefined` when it is none. */
export function toMilliseconds(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    return text === '0' ? 0 : undefined;
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * (units[unit ?? ''] ?? 0), 0);
}

/** Whether an address of a site is served without TLS, and for whom. */
export function isPlain(address: string): boolean {
  return address.startsWith('http://') || /^[^/]*:80$/.test(address);
}

export function addressesOf(site: Directive): Word[] {
  return [site.head, ...site.args]
    .map((word) => ({ ...word, text: word.text.replace(/,$/, '') }))
    .filter(({ text }) => text !== '');
}

function isSnippet({ name }: Directive): boolean {
  return /^\(.*\)$/.test(name);
}

function hasGuard({ block }: Directive): boolean {
  return (block ?? []).some(({ name }) => ['respond', 'abort', 'error'].includes(name));
}

function expand(
  directive: Directive,
  options: { readonly snippets: ReadonlyMap<string, Directive>; readonly depth: number },
): Directive[] {
  const { snippets, depth } = options;
  if (depth > 12) return [];
  const inner = { snippets, depth: depth + 1 };
  if (directive.name === 'import') {
    const snippet = snippets.get(firstArg(directive));
    return (snippet?.block ?? []).flatMap((line) => expand(line, inner)).slice(0, 2000);
  }
  if (directive.block === undefined) return [directive];
  return [{ ...directive, block: directive.block.flatMap((line) => expand(line, inner)).slice(0, 2000) }];
}

/** What `forward_auth` stands for, written out: another server is asked about the call. */
function isQuestion({ block }: Directive): boolean {
  const names = new Set((block ?? []).map(({ name }) => name));
  return ['handle_response', 'rewrite', 'method'].every((name) => names.has(name));
}

function endpointsIn(site: Directive, around: readonly Directive[]): CaddyEndpoint[] {
  const holder = around.at(-1);
  return (holder?.block ?? []).flatMap((directive) => {
    if (directive.name === 'reverse_proxy')
      return isQuestion(directive) ? [] : [toEndpoint(directive, { site, around })];
    if (!/^(?:handle|handle_path|route)$/.test(directive.name)) return [];
    return endpointsIn(site, [...around, directive]);
  });
}

function toEndpoint(
  proxy: Directive,
  { site, around }: { readonly site: Directive; readonly around: readonly Directive[] },
): CaddyEndpoint {
  const matchers = [...around.slice(1), proxy]
    .map((directive) => directive.args[0])
    .filter((word) => isMatcher(word?.text ?? ''));
  const patterns = matchers.flatMap((word) => (word === undefined ? [] : patternsOf(word, around)));
  const upstreams = proxy.args.filter(({ text }) => !isMatcher(text));
  const more = (proxy.block ?? []).filter(({ name }) => name === 'to').flatMap(({ args }) => args);
  return { site, around, proxy, patterns, upstreams: [...upstreams, ...more] };
}

export function isMatcher(text: string): boolean {
  return text.startsWith('/') || text.startsWith('@') || text === '*';
}

/** The paths of a matcher: its own, or those of the named one. */
function patternsOf(word: Word, around: readonly Directive[]): Word[] {
  if (word.text === '*') return [];
  if (word.text.startsWith('/')) return [word];
  return around.flatMap(({ block }) =>
    (block ?? [])
      .filter(({ name }) => name === word.text)
      .flatMap((matcher) => {
        const lines = matcher.block ?? [];
        const inline = firstArg(matcher) === 'path' ? matcher.args.slice(1) : [];
        return [...inline, ...lines.filter(({ name }) => name === 'path').flatMap(({ args }) => args)];
      }),
  );
}

function choose(candidates: readonly CaddyEndpoint[], path: string | undefined): readonly CaddyEndpoint[] {
  const open = candidates.filter(
    ({ patterns }) => !patterns.some(({ text }) => text.includes('.well-known')),
  );
  if (path !== undefined) {
    const specific = open.filter(({ patterns }) => patterns.some(({ text }) => serves(text, path)));
    return specific.length > 0 ? specific : open.filter(({ patterns }) => patterns.length === 0);
  }
  const telling = open.filter(
    ({ patterns, upstreams, site }) =>
      patterns.some(({ text }) => looksLikeEndpoint(text)) ||
      (patterns.length === 0 &&
        (upstreams.some(({ text }) => looksLikeServer(text)) ||
          addressesOf(site).some(({ text }) => looksLikeServer(text)))),
  );
  if (telling.length > 0) return telling;
  return open.length === 1 ? open : [];
}

function serves(pattern: string, path: string): boolean {
  if (pattern.endsWith('*'))
    return path.startsWith(pattern.slice(0, -1)) || `${path}/`.startsWith(pattern.slice(0, -1));
  return withoutSlash(pattern) === withoutSlash(path);
}

/** All words of a directive as one line. */
export function lineOf(directive: Directive): string {
  return [directive.name, ...argTexts(directive)].join(' ');
}
