import { readFile, stat } from 'node:fs/promises';

/** One key in the form in which it is kept. */
export interface KeptKey {
  readonly text: string;
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
}

/** What lies under the name of a key file. `unusable`: damaged, or others could read or have written it. */
export type KeyFileContent =
  | { readonly kind: 'keys'; readonly keys: readonly KeptKey[] }
  | { readonly kind: 'absent' | 'unusable' | 'newer' };

/** Version of the form; a file with a higher one is left as it is. */
const version = 1;
/** No ring comes near this; a larger file is not ours. */
const largestFile = 262_144;

/** Reads a key file; failures are kinds of content, since new keys are the answer to most of them. */
export async function readKeyFile(path: string): Promise<KeyFileContent> {
  try {
    const { mode, uid, size } = await stat(path);
    // planted-keys: a file that others can write may hold a key that they know.
    const isPrivate = process.platform === 'win32' || ((mode & 0o077) === 0 && uid === process.getuid?.());
    if (!isPrivate || size > largestFile) return { kind: 'unusable' };
    return parseKeyFile(await readFile(path, 'utf8'));
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { kind: isAbsent ? 'absent' : 'unusable' };
  }
}

/** The text of a key file. */
export function toKeyFile(keys: readonly KeptKey[]): string {
  return `${JSON.stringify({ version, keys })}\n`;
}

function parseKeyFile(text: string): KeyFileContent {
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

function isKeptKey(value: unknown): value is KeptKey {
  if (typeof value !== 'object' || value === null) return false;
  const { text, createdAt } = value as { readonly text?: unknown; readonly createdAt?: unknown }; // Checked in this line and the next.
  return typeof text === 'string' && Number.isFinite(createdAt);
}
