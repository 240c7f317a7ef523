/** The published revisions of MCP, oldest first. */
export const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;

export type Revision = (typeof revisions)[number];

/** Legacy revisions begin with `initialize`; in modern ones each request carries its own metadata (2026-07-28, versioning). */
export type Era = 'legacy' | 'modern';

const FIRST_MODERN: Revision = '2026-07-28';
const datePattern = /^\d{4}-\d{2}-\d{2}$/;

/** The revision a protocol version names, or `unknown` for later and for malformed ones. */
export function parseRevision(version: string): Revision | 'unknown' {
  for (const revision of revisions) if (revision === version) return revision;
  return 'unknown';
}

/** Which era a protocol version belongs to by its date; what is not a date counts as legacy. */
export function toEra(version: string): Era {
  return version >= FIRST_MODERN && datePattern.test(version) ? 'modern' : 'legacy';
}
