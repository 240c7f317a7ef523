/** What stands in facts in the place of a secret. */
const hidden = '…';

const secretFields: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'mcp-session-id',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
]);

/** Header fields as facts keep them: lower-case names, several values joined, secrets hidden. */
export function redactFields(
  fields: Readonly<Record<string, string | readonly string[] | number | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || name.startsWith(':')) continue;
    const lower = name.toLowerCase();
    const text = typeof value === 'object' ? value.join(', ') : String(value);
    kept[lower] = secretFields.has(lower) ? hide(lower, text) : text;
  }
  return kept;
}

/** The scheme of a credential and the name of a cookie are no secrets, and verdicts need them. */
function hide(name: string, value: string): string {
  if (name === 'authorization' || name === 'proxy-authorization')
    return `${value.split(' ')[0] ?? ''} ${hidden}`;
  if (name !== 'set-cookie') return hidden;
  return value.replaceAll(/(^|, )([^=;, ]+)=[^;,]*/g, (_match, before: string, cookie: string) =>
    ['path', 'domain', 'expires', 'max-age', 'samesite'].includes(cookie.toLowerCase())
      ? `${before}${cookie}`
      : `${before}${cookie}=${hidden}`,
  );
}

/** What may be secret in the query of an address: its values, and names without one. As they are written. */
export function secretsOfQuery(path: string): readonly string[] {
  const mark = path.indexOf('?');
  if (mark < 0) return [];
  return path
    .slice(mark + 1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1));
}

/** An address for reports: whatever its query says stays with the one who asked. */
export function hideQuery(url: string): string {
  return url.replace(/\?.*$/s, `?${hidden}`);
}

/** Text without the given secrets. Short ones are left: they would tear words apart. */
export function redactText(text: string, secrets: Iterable<string>): string {
  let kept = text;
  for (const secret of secrets) if (secret.length >= 8) kept = kept.replaceAll(secret, hidden);
  return kept;
}
