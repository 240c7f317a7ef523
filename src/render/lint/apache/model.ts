import { argTexts, firstArg, walk, type Directive, type Word } from '../directive.ts';
import { isPatternOf, looksLikeEndpoint, looksLikeServer, withoutSlash } from '../endpoint-path.ts';
import { anchorOf, maxEndpoints, maxPlaces, type LintInput, type UnreadInclude } from '../input.ts';
import type { Span } from '../source.ts';

/** One path that is passed on. */
export interface ApacheEndpoint {
  /** `ProxyPass`, `ProxyPassMatch` or `RewriteRule … [P]`. */
  readonly pass: Directive;
  /** The public path, or the pattern of paths. */
  readonly path: string;
  readonly isPattern: boolean;
  readonly target: Word;
  /** `timeout=60`, `flushpackets=on` and their like, in lower case; of a balancer those of all its members too. */
  readonly parameters: ReadonlyMap<string, string>;
  /** From the innermost section to the file: where values are looked up. */
  readonly scopes: readonly (readonly Directive[])[];
  readonly host: Directive | undefined;
  /** Members of the balancer, where the target is one. */
  readonly members: readonly Directive[];
}

export interface ApacheModel {
  readonly directives: readonly Directive[];
  readonly hosts: readonly Directive[];
  readonly endpoints: readonly ApacheEndpoint[];
  readonly unread: readonly UnreadInclude[];
  readonly anchor: Span;
}

/**
 * What the rules look at. Endpoints are the proxied paths that serve `path`; without one those whose path or target looks like MCP;
 * without any of these the only proxied path of the file.
 */
export function buildApacheModel(input: LintInput): ApacheModel {
  const { directives, unread, path } = input;
  const hosts = directives.filter(({ name }) => name === 'virtualhost');
  const balancers = [...walk(directives)].filter(
    ({ name, args }) => name === 'proxy' && /^[a-z]+:/.test(args[0]?.text ?? ''),
  );
  const main = directives.filter(({ name }) => name !== 'virtualhost');
  const candidates = [
    ...hosts.flatMap((host) => endpointsIn(host.block ?? [], { outer: [main], host, balancers })),
    ...endpointsIn(main, { outer: [], host: undefined, balancers }),
  ];
  const endpoints = choose(candidates.slice(0, maxPlaces), path).slice(0, maxEndpoints);
  return { directives, hosts, endpoints, unread, anchor: anchorOf(input) };
}

/** The directive whose value counts: the last of the innermost section that has one. */
export function effective({ scopes }: ApacheEndpoint, name: string): Directive | undefined {
  for (const scope of scopes) {
    const found = scope.findLast((directive) => directive.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All directives of a name on the way from the section to the file; these add up. */
export function allOf({ scopes }: ApacheEndpoint, name: string): Directive[] {
  return scopes.flatMap((scope) => scope.filter((directive) => directive.name === name));
}

/** A directive with its words, for messages. */
export function lineOf({ head, args }: Directive): string {
  return [head.text, ...args.map(({ text }) => text)].join(' ');
}

/** `/mcp` → `/mcp` of `http://127.0.0.1:8000/mcp`; empty where there is none. */
export function pathOf(target: string): string {
  return /^[a-z+]+:\/\/[^/]*(\/.*)?$/i.exec(target)?.[1] ?? '';
}

/** `127.0.0.1:8000`. */
export function authorityOf(target: string): string {
  return /^[a-z0-9+]+:\/\/([^/]*)/i.exec(target)?.[1] ?? target;
}

interface Place {
  readonly outer: readonly (readonly Directive[])[];
  readonly host: Directive | undefined;
  readonly balancers: readonly Directive[];
}

function endpointsIn(directives: readonly Directive[], place: Place): ApacheEndpoint[] {
  const { outer, host, balancers } = place;
  const passes = /^(?:location|locationmatch|proxypass|proxypassmatch|rewriterule)$/;
  const found = directives.filter(({ name }) => passes.test(name)).slice(0, maxPlaces);
  return found.flatMap((directive) => {
    if (/^location(?:match)?$/.test(directive.name)) {
      const scopes = [directive.block ?? [], directives, ...outer];
      return (directive.block ?? []).flatMap((inner) =>
        toEndpoint(inner, { section: directive, scopes, host, balancers }),
      );
    }
    const around = sectionsFor(directive, directives);
    return toEndpoint(directive, {
      section: undefined,
      scopes: [...around, directives, ...outer],
      host,
      balancers,
    });
  });
}

/** `<Location>` and `<Proxy>` sections that hold for a path outside of them. */
function sectionsFor({ args }: Directive, directives: readonly Directive[]): (readonly Directive[])[] {
  const [path, target] = args;
  return directives
    .filter(
      ({ name, args: words }) =>
        (name === 'location' &&
          path !== undefined &&
          path.text.replace(/^\^/, '').startsWith(words[0]?.text ?? '?') &&
          words[0]?.text !== '/') ||
        (name === 'proxy' &&
          target !== undefined &&
          (words[0]?.text === '*' || target.text.startsWith((words[0]?.text ?? '?').replace(/\*$/, '')))),
    )
    .map(({ block }) => block ?? []);
}

function toEndpoint(
  pass: Directive,
  place: {
    readonly section: Directive | undefined;
    readonly scopes: readonly (readonly Directive[])[];
    readonly host: Directive | undefined;
    readonly balancers: readonly Directive[];
  },
): ApacheEndpoint[] {
  const { section, scopes, host, balancers } = place;
  const words = [...pass.args];
  const isRewrite =
    pass.name === 'rewriterule' && /\[(?:[^\]]*,)?P(?:,[^\]]*)?\]/i.test(words[2]?.text ?? '');
  if (!isRewrite && pass.name !== 'proxypass' && pass.name !== 'proxypassmatch') return [];
  const own = section === undefined ? words.shift()?.text : firstArg(section);
  if (section !== undefined && isRewrite) words.shift();
  const [target, ...rest] = words;
  if (target === undefined || own === undefined || target.text === '!' || own.includes('.well-known'))
    return [];
  const balancer = balancers.find(({ args }) => target.text.startsWith(args[0]?.text ?? '?'));
  const members = (balancer?.block ?? []).filter(
    ({ name, args }) => name === 'balancermember' && !args.some(({ text }) => /^status=\+?[HD]/i.test(text)),
  );
  const shared = members.map(({ args }) => parametersOf(args));
  const [first = new Map<string, string>(), ...others] = shared;
  // What all members of a balancer say holds for it.
  const common = [...first].filter(([key, value]) => others.every((other) => other.get(key) === value));
  // What is set for the whole worker, wherever it is used.
  const set = (balancer?.block ?? []).filter(({ name }) => name === 'proxyset').flatMap(({ args }) => args);
  const parameters = new Map([...parametersOf(rest), ...parametersOf(set), ...common]);
  const isPattern =
    isRewrite || pass.name === 'proxypassmatch' || section?.name === 'locationmatch' || own === '~';
  return [{ pass, path: own, isPattern, target, parameters, scopes, host, members }];
}

function parametersOf(words: readonly Word[]): ReadonlyMap<string, string> {
  const pairs = words
    .filter(({ text }) => text.includes('='))
    .map(({ text }) => text.toLowerCase().split('='));
  return new Map(pairs.map(([key = '', ...value]) => [key, value.join('=')]));
}

function choose(candidates: readonly ApacheEndpoint[], path: string | undefined): readonly ApacheEndpoint[] {
  if (path !== undefined) {
    return candidates.filter((candidate) => {
      if (candidate.isPattern) return isPatternOf(path, candidate.path);
      return `${withoutSlash(path)}/`.startsWith(`${withoutSlash(candidate.path).replace(/^\/$/, '')}/`);
    });
  }
  const telling = candidates.filter(
    ({ path: own, target, members }) =>
      looksLikeEndpoint(own) ||
      looksLikeEndpoint(pathOf(target.text)) ||
      looksLikeServer(authorityOf(target.text)) ||
      members.some((member) => argTexts(member).some((word) => looksLikeServer(authorityOf(word)))),
  );
  if (telling.length > 0) return telling;
  return candidates.length === 1 ? candidates : [];
}
