import type { Challenge } from '../facts-oauth.ts';

const parameterPattern = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;

/** The first challenge of a `WWW-Authenticate` field (RFC 9110 section 11.6.1); of several a Bearer one. `undefined` when there is none. */
export function parseChallenge(field: string | undefined): Challenge | undefined {
  if (field === undefined) return undefined;
  // A challenge begins with a scheme and a space, which no parameter has before its `=`.
  const starts = [...field.matchAll(/(?:^|,\s*)([A-Za-z][\w-]*)(?=\s+[\w-]+\s*=|\s*$|\s*,)/g)];
  const bearer = starts.find(([, scheme]) => scheme?.toLowerCase() === 'bearer') ?? starts[0];
  if (bearer === undefined) return undefined;
  const from = bearer.index;
  const next = starts.find(({ index }) => index > from)?.index ?? field.length;
  const scheme = bearer[1] ?? '';
  const rest = field.slice(from + bearer[0].length, next);
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of rest.matchAll(parameterPattern)) {
    parameters[name.toLowerCase()] ??=
      quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1');
  }
  return { scheme, parameters, raw: field.slice(0, 500) };
}
