import type { IncomingHttpHeaders } from 'node:http';

const longest = 86_400_000;

/**
 * Milliseconds for which an answer is fresh by its own headers (RFC 9111 section 4.2.1: `max-age`, else `Expires`, less its
 * `Age`), from 0 to 24 hours; 0 for `no-store` and `no-cache`, `undefined` when they say nothing that can be read.
 */
export function parseCacheLifetime(headers: IncomingHttpHeaders, now: number): number | undefined {
  const directives = (headers['cache-control'] ?? '')
    .toLowerCase()
    .split(',')
    .map((part) => part.trim());
  if (directives.some((directive) => /^no-(?:store|cache)(?:=|$)/.test(directive))) return 0;
  const stated = findMaxAge(directives) ?? findExpiry(headers, now);
  if (stated === undefined) return undefined;
  const age = /^\d{1,9}$/.test(headers.age ?? '') ? Number(headers.age) * 1000 : 0;
  return Math.min(Math.max(stated - age, 0), longest);
}

function findMaxAge(directives: readonly string[]): number | undefined {
  for (const directive of directives) {
    const [, seconds] = /^max-age="?(\d+)"?$/.exec(directive) ?? [];
    if (seconds !== undefined) return Math.min(Number(seconds) * 1000, longest * 2);
  }
  return undefined;
}

function findExpiry(headers: IncomingHttpHeaders, now: number): number | undefined {
  if (headers.expires === undefined) return undefined;
  const expires = Date.parse(headers.expires);
  // An unreadable date, most often `0`, means that the answer is stale already (RFC 9111 section 5.3).
  if (Number.isNaN(expires)) return 0;
  const sent = Date.parse(headers.date ?? '');
  return expires - (Number.isNaN(sent) ? now : sent);
}
