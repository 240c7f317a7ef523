import type { Dirent } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { hasCode } from './file-errors.ts';

/** The text of a file, UTF-8; `undefined` when there is none. Rejects with the system's error where it cannot be read. */
export async function readFileIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** What lies in a directory; nothing when there is none. Rejects with the system's error where it cannot be read. */
export async function readDirectoryIfThere(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
