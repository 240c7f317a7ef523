/**
 * Milliseconds that a Retry-After field asks to wait, in seconds or as a date (RFC 9110 section 10.2.3); undefined where the
 * field is missing or malformed. A date that has passed is 0.
 */
export function parseRetryAfter(field: string | undefined, now: number): number | undefined {
  const text = field?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]{2,8}, /.test(text)) return undefined;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
