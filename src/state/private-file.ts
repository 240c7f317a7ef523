import type { Stats } from 'node:fs';

/**
 * True for a file that this user owns and nobody else may read or write. Against planted-keys: a file that others can write may hold a
 * key that they know. Windows has no such modes; there every file counts as private.
 */
export function isPrivateFile({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): boolean {
  return process.platform === 'win32' || ((mode & 0o077) === 0 && uid === process.getuid?.());
}
