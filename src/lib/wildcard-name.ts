/** Whether a host name is a wildcard: `*.example.com`. */
export function isWildcardName(name: string): boolean {
  return name.startsWith('*.');
}

/**
 * What a name has behind its first label, with the dot: `.example.com`; `undefined` where a star cannot stand for that label. As
 * certificates have it (RFC 6125 section 6.4.3): the star stands for one whole label, never for none or two.
 */
export function toParentName(name: string): string | undefined {
  const dot = name.indexOf('.');
  return /^[a-z0-9_-]+$/.test(name.slice(0, Math.max(dot, 0))) ? name.slice(dot) : undefined;
}

/** Whether a name is the other, or one that the other as a wildcard stands for. Both in lower case. */
export function coversName(pattern: string, name: string): boolean {
  return pattern === name || (isWildcardName(pattern) && toParentName(name) === pattern.slice(1));
}
