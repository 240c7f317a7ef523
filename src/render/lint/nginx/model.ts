import { argTexts, firstArg, type Directive } from '../directive.ts';
import { isPatternOf, looksLikeEndpoint, looksLikeServer, withoutSlash } from '../endpoint-path.ts';
import { maxEndpoints, maxPlaces, type LintInput, type UnreadInclude } from '../input.ts';
import type { Span } from '../source.ts';

/** A block with what is around it, innermost first: location, server, http, main. */
export interface NginxScope {
  readonly directive: Directive | undefined;
  readonly directives: readonly Directive[];
  readonly parent: NginxScope | undefined;
}

/** A location that passes requests on. */
export interface NginxEndpoint {
  readonly scope: NginxScope;
  readonly location: Directive;
  readonly server: NginxScope;
  /** `=`, `~`, `~*`, `^~` or nothing. */
  readonly modifier: string;
  readonly path: string;
  readonly pass: Directive;
  readonly target: PassTarget;
  readonly upstream: Directive | undefined;
  /** Servers of the upstream that take calls at any time. */
  readonly replicas: number;
}

/** The parts of `proxy_pass`. */
export interface PassTarget {
  readonly scheme: string;
  readonly host: string;
  /** The path behind the host, or `undefined` where there is none. */
  readonly uri: string | undefined;
  readonly hasVariables: boolean;
}

export interface NginxModel {
  readonly main: NginxScope;
  /** True where the file holds `http` or `events`: otherwise it is a part, and the rest is elsewhere. */
  readonly isWhole: boolean;
  readonly servers: readonly NginxScope[];
  readonly endpoints: readonly NginxEndpoint[];
  /** Servers that hold an endpoint. */
  readonly endpointServers: readonly NginxScope[];
  /** Location blocks of a server, nested ones too. */
  readonly locationsOf: (server: NginxScope) => readonly NginxScope[];
  /** As `1.25.1`; `undefined` when not told. */
  readonly version: string | undefined;
  readonly unread: readonly UnreadInclude[];
  /** Where to point when something is missing from the file as a whole. */
  readonly anchor: Span;
}

/**
 * What the rules look at. Endpoints are the proxying locations that serve `path`; without one those whose path or upstream looks like
 * MCP; without any of these the only proxying location of the file. Other locations are nobody's business here.
 */
export function buildNginxModel(options: LintInput & { readonly anchor: Span }): NginxModel {
  const { directives, path, anchor, version, unread } = options;
  const main: NginxScope = { directive: undefined, directives, parent: undefined };
  const servers = scopesIn(main, 'server').filter(({ parent }) => parent?.directive?.name !== 'stream');
  const upstreams = new Map(scopesIn(main, 'upstream').map((scope) => [firstArg(scope.directive), scope]));
  const candidates = servers
    .flatMap((server) =>
      scopesIn(server, 'location').flatMap((scope) => toEndpoint({ scope, server, upstreams })),
    )
    .slice(0, maxPlaces);
  const endpoints = chooseEndpoints(candidates, path).slice(0, maxEndpoints);
  const holders = new Set(endpoints.map(({ server }) => server));
  return {
    main,
    isWhole: directives.some(({ name }) => name === 'http' || name === 'events'),
    servers,
    endpoints,
    endpointServers: servers.filter((server) => holders.has(server)),
    locationsOf: (server) => scopesIn(server, 'location'),
    version,
    unread,
    anchor,
  };
}

/** All blocks of a name below a scope; servers in servers do not exist, locations in locations do. */
export function scopesIn(scope: NginxScope, name: string): NginxScope[] {
  return scope.directives.flatMap((directive) => {
    if (directive.block === undefined) return [];
    const inner: NginxScope = { directive, directives: directive.block, parent: scope };
    return directive.name === name ? [inner, ...scopesIn(inner, name)] : scopesIn(inner, name);
  });
}

/** The directive whose value counts in a scope: the last of the nearest level that has one. */
export function effective(scope: NginxScope | undefined, name: string): Directive | undefined {
  return effectiveAll(scope, name).at(-1);
}

/** All of the nearest level that has one: `add_header`, `proxy_set_header` and their like replace those of outer levels together. */
export function effectiveAll(scope: NginxScope | undefined, name: string): readonly Directive[] {
  for (let at = scope; at !== undefined; at = at.parent) {
    const own = at.directives.filter((directive) => directive.name === name);
    if (own.length > 0) return own;
  }
  return [];
}

/** The first argument of the directive that counts, in lower case, or what nginx takes without one. */
export function valueOf(scope: NginxScope, name: string, fallback: string): string {
  const directive = effective(scope, name);
  return directive === undefined ? fallback : firstArg(directive).toLowerCase();
}

/** The directives that hold for calls of an endpoint: its own and those around it, without those of other locations. */
export function linesFor({ scope, server }: NginxEndpoint): Directive[] {
  const lines: Directive[] = [];
  for (let at: NginxScope | undefined = scope; at !== undefined; at = at === server ? undefined : at.parent) {
    lines.push(...at.directives.filter(({ name }) => name !== 'location'));
  }
  return lines;
}

/** Whether a directive stands in a scope, in what is around it, or in what it holds. */
export function isMentioned(scope: NginxScope, names: readonly string[]): boolean {
  if (holds(scope.directives, names)) return true;
  return names.some((name) => effective(scope, name) !== undefined);
}

function holds(directives: readonly Directive[], names: readonly string[]): boolean {
  return directives.some(({ name, block }) => names.includes(name) || holds(block ?? [], names));
}

function toEndpoint(options: {
  readonly scope: NginxScope;
  readonly server: NginxScope;
  readonly upstreams: ReadonlyMap<string, NginxScope>;
}): NginxEndpoint[] {
  const { scope, server, upstreams } = options;
  const location = scope.directive;
  const pass = findPass(scope.directives);
  if (location === undefined || pass === undefined) return [];
  if (scope.directives.some(({ name }) => name === 'internal')) return [];
  const words = argTexts(location);
  const modifier = words.length > 1 ? (words[0] ?? '') : '';
  const path = words.at(-1) ?? '';
  if (path.startsWith('@') || path.includes('.well-known')) return [];
  const target = parseTarget(firstArg(pass));
  const upstream = upstreams.get(target.host);
  const members = upstream?.directives.filter(({ name }) => name === 'server') ?? [];
  const replicas = members.filter(
    (member) => !argTexts(member).some((word) => word === 'backup' || word === 'down'),
  );
  return [
    {
      scope,
      location,
      server,
      modifier,
      path,
      pass,
      target,
      upstream: upstream?.directive,
      replicas: replicas.length,
    },
  ];
}

/** Also inside of `if` and `limit_except`, but not in locations inside. */
function findPass(directives: readonly Directive[]): Directive | undefined {
  const own = directives.find(({ name }) => name === 'proxy_pass');
  if (own !== undefined) return own;
  const blocks = directives.filter(({ name }) => name === 'if' || name === 'limit_except');
  return blocks.map(({ block }) => findPass(block ?? [])).find((pass) => pass !== undefined);
}

function parseTarget(text: string): PassTarget {
  const [, scheme = '', rest = text] = /^(https?):\/\/(.*)$/s.exec(text) ?? [];
  const hasVariables = text.includes('$');
  if (rest.startsWith('unix:')) {
    const [, socket = '', uri] = /^(unix:[^:]*)(?::(.*))?$/s.exec(rest) ?? [];
    return { scheme, host: socket, uri, hasVariables };
  }
  const slash = rest.indexOf('/');
  return slash === -1
    ? { scheme, host: rest, uri: undefined, hasVariables }
    : { scheme, host: rest.slice(0, slash), uri: rest.slice(slash), hasVariables };
}

function chooseEndpoints(
  candidates: readonly NginxEndpoint[],
  path: string | undefined,
): readonly NginxEndpoint[] {
  if (path !== undefined) {
    const servers = new Set(candidates.map(({ server }) => server));
    return [...servers].flatMap((server) => {
      const locations = candidates.filter((candidate) => candidate.server === server);
      const served = bestMatch(locations, path);
      const twin = locations.filter(
        ({ modifier, path: own }) => modifier === '=' && withoutSlash(own) === withoutSlash(path),
      );
      return [...new Set([...(served === undefined ? [] : [served]), ...twin])];
    });
  }
  const telling = candidates.filter(
    (candidate) =>
      looksLikeEndpoint(candidate.path) ||
      (looksLikeServer(candidate.target.host) && (candidate.path === '/' || candidate.replicas > 0)),
  );
  if (telling.length > 0) return telling;
  return candidates.length === 1 ? candidates : [];
}

/** nginx's own choice: exact, then the longest prefix if `^~`, then the first regular expression, then the longest prefix. */
export function bestMatch<T extends { readonly modifier: string; readonly path: string }>(
  locations: readonly T[],
  path: string,
): T | undefined {
  const exact = locations.find(({ modifier, path: own }) => modifier === '=' && own === path);
  if (exact !== undefined) return exact;
  const prefixes = locations.filter(
    ({ modifier, path: own }) => (modifier === '' || modifier === '^~') && path.startsWith(own),
  );
  const [longest] = prefixes.toSorted((one, other) => other.path.length - one.path.length);
  if (longest?.modifier === '^~') return longest;
  const pattern = locations.find(
    ({ modifier, path: own }) =>
      modifier.startsWith('~') && isPatternOf(path, own, modifier === '~*' ? 'i' : ''),
  );
  return pattern ?? longest;
}
