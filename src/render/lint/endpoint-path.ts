/**
 * Which paths are taken for MCP endpoints when none is named: those with a word of their own that says so. `/mcp`, `/api/mcp/`,
 * `/sse`, `/messages/` and `/weather-mcp` are; `/`, `/images` and `/compress` are not.
 */
export function looksLikeEndpoint(path: string): boolean {
  return /(?:^|[^a-z0-9])(?:mcp|sse)(?:[^a-z0-9]|$)/i.test(path) || /^\/messages?\/?$/.test(path);
}

/** Whether a name of an upstream, backend or host says that an MCP server is behind it. */
export function looksLikeServer(name: string): boolean {
  return /(?:^|[^a-z0-9])(?:fast)?mcp(?:[^a-z0-9]|$)/i.test(name);
}

/** Whether a regular expression of a configuration fits a path. Those that could take for ever are taken not to. */
export function isPatternOf(path: string, pattern: string, flags = ''): boolean {
  const repeats = pattern.match(/[*+{]/g)?.length ?? 0;
  if (pattern.length > 1000 || repeats > 4 || /\)[*+{]/.test(pattern)) return false;
  try {
    return new RegExp(pattern, flags).test(path);
  } catch {
    return false;
  }
}

/** Without the slash at its end; `/` stays. */
export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
