import { argTexts, firstArg, type Directive } from '../directive.ts';
import { looksLikeEndpoint, looksLikeServer } from '../endpoint-path.ts';
import { anchorOf, maxEndpoints, maxPlaces, type LintInput } from '../input.ts';
import type { Span } from '../source.ts';

/** A way from a frontend to the servers that answer calls. In a `listen` section both are the same. */
export interface HaproxyEndpoint {
  readonly frontend: Directive;
  readonly backend: Directive;
  /** The `use_backend` or `default_backend` that leads there; absent in a `listen` section. */
  readonly route: Directive | undefined;
  readonly servers: readonly Directive[];
}

export interface HaproxyModel {
  readonly sections: readonly Directive[];
  readonly global: readonly Directive[];
  readonly frontends: readonly Directive[];
  readonly endpoints: readonly HaproxyEndpoint[];
  readonly anchor: Span;
  /** The lines of a section that begin with these words, or of the `defaults` that it takes them from where it has none. */
  readonly effective: (section: Directive, words: string) => readonly Directive[];
}

/**
 * What the rules look at. Endpoints are the HTTP backends that a frontend sends `path` to; without one those whose condition or name
 * looks like MCP; without any of these the only backend of the file.
 */
export function buildHaproxyModel(input: LintInput): HaproxyModel {
  const { directives, path } = input;
  const defaults = defaultsOf(directives);
  const backends = new Map(
    directives
      .filter(({ name }) => name === 'backend' || name === 'listen')
      .toReversed()
      .map((section) => [firstArg(section), section]),
  );
  const effective = (section: Directive, words: string): readonly Directive[] => {
    const own = linesOf(section, words);
    const base = own.length > 0 ? undefined : defaults.get(section);
    return base === undefined ? own : linesOf(base, words);
  };
  const frontends = directives.filter(({ name }) => name === 'frontend' || name === 'listen');
  const candidates = frontends
    .filter((frontend) => firstArg(effective(frontend, 'mode').at(-1)) === 'http')
    .flatMap((frontend) => endpointsOf(frontend, backends))
    .slice(0, maxPlaces);
  return {
    sections: directives,
    global: directives.filter(({ name }) => name === 'global').flatMap(({ block }) => block ?? []),
    frontends,
    endpoints: choose(candidates, path).slice(0, maxEndpoints),
    anchor: anchorOf(input),
    effective,
  };
}

/** The lines of a section that begin with these words. */
export function linesOf(section: Directive, words: string): Directive[] {
  const wanted = words.split(' ');
  return (section.block ?? []).filter((line) => {
    const texts = [line.name, ...argTexts(line)];
    return wanted.every((word, at) => texts[at] === word);
  });
}

/** A line as it is written, with one blank between its words. */
export function lineOf(line: Directive): string {
  return [line.name, ...argTexts(line)].join(' ');
}

/** All lines of both sides of an endpoint. */
export function bothSides({ frontend, backend }: HaproxyEndpoint): readonly Directive[] {
  return frontend === backend
    ? (frontend.block ?? [])
    : [...(frontend.block ?? []), ...(backend.block ?? [])];
}

/** Milliseconds of `30s`, `1h`, or plain milliseconds; `undefined` when it is none. */
export function toMilliseconds(text: string): number | undefined {
  const [, digits, unit = 'ms'] = /^(\d+)(us|ms|[smhd])?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * ({ us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit] ?? 1);
}

/** Conditions behind `if` and `unless`, with the ACLs that they name written out. */
export function conditionOf(line: Directive, section: Directive): string {
  const words = argTexts(line);
  const at = words.findIndex((word) => word === 'if' || word === 'unless');
  if (at === -1) return '';
  const condition = words.slice(at + 1);
  const acls = linesOf(section, 'acl').filter((acl) =>
    condition.some((word) => word.replace(/^!/, '') === firstArg(acl)),
  );
  return [...condition, ...acls.flatMap((acl) => argTexts(acl).slice(1))].join(' ');
}

/** Which `defaults` each section takes its values from: the one that it names, or the last before it. */
function defaultsOf(sections: readonly Directive[]): ReadonlyMap<Directive, Directive> {
  const named = new Map<string, Directive>();
  const found = new Map<Directive, Directive>();
  let last: Directive | undefined;
  for (const section of sections) {
    const words = argTexts(section);
    const from = words.indexOf('from');
    const base = from === -1 ? last : named.get(words[from + 1] ?? '');
    if (base !== undefined) found.set(section, base);
    if (section.name !== 'defaults') continue;
    last = section;
    named.set(firstArg(section), section);
  }
  return found;
}

function endpointsOf(frontend: Directive, backends: ReadonlyMap<string, Directive>): HaproxyEndpoint[] {
  const routes = [...linesOf(frontend, 'use_backend'), ...linesOf(frontend, 'default_backend')].slice(
    0,
    maxPlaces,
  );
  const led = routes.flatMap((route) => {
    const backend = backends.get(firstArg(route));
    return backend === undefined ? [] : [{ frontend, backend, route, servers: serversOf(backend) }];
  });
  const own = serversOf(frontend);
  return own.length === 0 ? led : [...led, { frontend, backend: frontend, route: undefined, servers: own }];
}

function serversOf(section: Directive): Directive[] {
  return [...linesOf(section, 'server'), ...linesOf(section, 'server-template')];
}

function choose(
  candidates: readonly HaproxyEndpoint[],
  path: string | undefined,
): readonly HaproxyEndpoint[] {
  const isLed = ({ route, frontend }: HaproxyEndpoint, test: (word: string) => boolean): boolean =>
    route !== undefined &&
    conditionOf(route, frontend)
      .split(' ')
      .some((word) => test(word));
  if (path !== undefined) {
    const exact = candidates.filter((candidate) =>
      isLed(candidate, (word) => word.startsWith('/') && path.startsWith(word)),
    );
    return exact.length > 0
      ? exact
      : candidates.filter(({ route }) => route === undefined || route.name === 'default_backend');
  }
  const telling = candidates.filter(
    (candidate) =>
      isLed(
        candidate,
        (word) => word.startsWith('/') && !word.includes('.well-known') && looksLikeEndpoint(word),
      ) ||
      looksLikeServer(firstArg(candidate.backend)) ||
      candidate.servers.some((server) => looksLikeServer(firstArg(server))),
  );
  if (telling.length > 0) return telling;
  const backends = new Set(candidates.map(({ backend }) => backend));
  return backends.size === 1 ? candidates.slice(0, 1) : [];
}
