/** One key in the form in which it is kept. */
export interface KeptKey {
  readonly text: string;
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
}

/** What a text says. `unusable`: damaged. */
export type KeptKeys =
  | { readonly kind: 'keys'; readonly keys: readonly KeptKey[] }
  | { readonly kind: 'unusable' | 'newer' };

/** Version of the form; a text with a higher one is left as it is. */
const version = 1;

/** Reads the keys of a ring; failures are kinds of content, since new keys are the answer to most of them. */
export function parseKeptKeys(text: string): KeptKeys {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'unusable' };
  }
  if (typeof value !== 'object' || value === null) return { kind: 'unusable' };
  const { version: found, keys } = value as { readonly version?: unknown; readonly keys?: unknown }; // Checked right below.
  if (typeof found === 'number' && found > version) return { kind: 'newer' };
  if (found !== version || !Array.isArray(keys) || keys.length === 0) return { kind: 'unusable' };
  return keys.every(isKeptKey) ? { kind: 'keys', keys } : { kind: 'unusable' };
}

/** The text that keys of a ring are kept as. */
export function formatKeptKeys(keys: readonly KeptKey[]): string {
  return `${JSON.stringify({ version, keys })}\n`;
}

function isKeptKey(value: unknown): value is KeptKey {
  if (typeof value !== 'object' || value === null) return false;
  const { text, createdAt } = value as { readonly text?: unknown; readonly createdAt?: unknown }; // Checked in this line and the next.
  return typeof text === 'string' && Number.isFinite(createdAt);
}
