import { isJsonObject, parseJsonObject } from '../lib/json.ts';

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
  const value = parseJsonObject(text);
  if (value === undefined) return { kind: 'unusable' };
  const { version: found, keys } = value;
  if (typeof found === 'number' && found > version) return { kind: 'newer' };
  if (found !== version || !Array.isArray(keys) || keys.length === 0) return { kind: 'unusable' };
  return keys.every(isKeptKey) ? { kind: 'keys', keys } : { kind: 'unusable' };
}

/** The text that keys of a ring are kept as. */
export function formatKeptKeys(keys: readonly KeptKey[]): string {
  return `${JSON.stringify({ version, keys })}\n`;
}

function isKeptKey(value: unknown): value is KeptKey {
  if (!isJsonObject(value)) return false;
  const { text, createdAt } = value;
  return typeof text === 'string' && Number.isFinite(createdAt);
}
