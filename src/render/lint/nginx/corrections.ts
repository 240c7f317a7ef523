import { firstArg, type Directive, headOf } from '../directive.ts';
import { insertBehind, insertInto, replaceWith, type Correction } from '../edits.ts';
import type { Hit } from '../finding.ts';
import type { Span } from '../source.ts';
import { effective, effectiveAll, type NginxEndpoint, type NginxModel, type NginxScope } from './model.ts';

/** A rule that looks at each server that holds an endpoint. */
export function atServers(
  check: (server: NginxScope, model: NginxModel) => Hit | undefined,
): (model: NginxModel) => readonly Hit[] {
  return (model) =>
    model.endpointServers.flatMap((server) => {
      const hit = check(server, model);
      return hit === undefined ? [] : [hit];
    });
}

/** `location /mcp` without its block. */
/** Where a scope begins, or the place of the file. */
export function placeOf(scope: NginxScope, model: NginxModel): Span {
  return scope.directive === undefined ? model.anchor : headOf(scope.directive);
}

/** Marks what sets a value now, or `proxy_pass` where only the default does, and writes another. */
export function setAt(endpoint: NginxEndpoint, line: string): Correction & { readonly at: Span } {
  const [name = ''] = line.split(' ');
  const directive = effective(endpoint.scope, name);
  if (directive === undefined) return { at: endpoint.pass, ...insertBehind(endpoint.pass, [line]) };
  const isNear = [endpoint.scope, endpoint.server].some(({ directives }) => directives.includes(directive));
  // An outer level is shared with others: they keep theirs.
  return {
    at: directive,
    ...(isNear ? replaceWith(directive, [line]) : insertBehind(endpoint.pass, [line])),
  };
}

/** Takes a directive out. */
export function remove(directive: Directive): Correction {
  const { source, start, end } = directive;
  return { lines: [], edits: [{ source, start, end, text: '' }] };
}

/** The request header of a name that the upstream is sent; the last one counts. */
export function requestHeader(endpoint: NginxEndpoint, name: string): Directive | undefined {
  const wanted = name.toLowerCase();
  return effectiveAll(endpoint.scope, 'proxy_set_header').findLast(
    (directive) => firstArg(directive).toLowerCase() === wanted,
  );
}

/** Writes a request header where the others are: on a level of its own it would drop them. */
export function setRequestHeader(endpoint: NginxEndpoint, name: string, value: string): Correction {
  const line = `proxy_set_header ${name} ${value};`;
  const existing = requestHeader(endpoint, name);
  if (existing !== undefined) return replaceWith(existing, [line]);
  const last = effectiveAll(endpoint.scope, 'proxy_set_header').at(-1) ?? endpoint.pass;
  return insertBehind(last, [line]);
}

/** The `add_header` of a name that answers carry. */
export function responseHeader(scope: NginxScope, name: string): Directive | undefined {
  const wanted = name.toLowerCase();
  return effectiveAll(scope, 'add_header').findLast(
    (directive) => firstArg(directive).toLowerCase() === wanted,
  );
}

/** Writes `add_header` where the others are, or for the whole server. */
export function addResponseHeader(endpoint: NginxEndpoint, line: string): Correction {
  const last = effectiveAll(endpoint.scope, 'add_header').at(-1);
  if (last !== undefined) return insertBehind(last, [line]);
  return insertInServer(endpoint.server, line);
}

export function insertInServer(server: NginxScope, line: string): Correction {
  return server.directive === undefined ? { lines: [line], edits: [] } : insertInto(server.directive, [line]);
}

/** Milliseconds of nginx's `90s`, `1h 30m`, `500ms` or plain seconds; `undefined` when it is none. */
export function toMilliseconds(text: string): number | undefined {
  if (text.includes('$')) return undefined;
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
    d: 86_400_000,
    w: 604_800_000,
    M: 2_592_000_000,
    y: 31_536_000_000,
  };
  const parts = [...text.matchAll(/(\d+)(ms|[smhdwMy])?/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.replaceAll(' ', ''))
    return undefined;
  return parts.reduce((sum, [, digits, unit]) => sum + Number(digits) * (units[unit ?? 's'] ?? 1000), 0);
}

/** Bytes of nginx's `1m`, `512k`, `2g` or plain bytes; `undefined` when it is none. */
export function toBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * ({ k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()] ?? 1);
}
