import { randomBytes } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { explainFileError, hasCode } from '../lib/file-errors.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { readDirectoryIfThere } from '../lib/read-if-there.ts';

export interface FileContent {
  readonly name: string;
  readonly data: string;
  readonly mode: number;
}

/** Makes sure a directory exists; every directory created on the way is readable by its owner only. */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toStateError(`cannot create the directory \`${path}\``, await findReason(path, error));
  }
}

/**
 * A recursive mkdir says ENOENT where a parent cannot be made, as on a read-only file system; making that parent says
 * why.
 */
async function findReason(path: string, error: unknown): Promise<unknown> {
  const missing = hasCode(error, 'ENOENT');
  const parent = dirname(path);
  if (!missing || parent === path) return error;
  try {
    await mkdir(parent, { mode: 0o700 });
    return error;
  } catch (reason) {
    return findReason(parent, reason);
  }
}

/**
 * What lies in a directory of the state; nothing where there is none. Rejects with a GatewayError (E_STATE_UNWRITABLE) where it may not
 * be read, which says nothing about what is in it; `hint` is what to do then.
 */
export async function listDirectory(
  path: string,
  options?: { readonly hint: string },
): Promise<readonly Dirent[]> {
  try {
    return await readDirectoryIfThere(path);
  } catch (error) {
    throw toStateError(`cannot read \`${path}\``, error, options);
  }
}

/** Replaces a file as a whole: whoever reads it, also after a crash, finds the old content or the new, never a part. */
export async function writeFileAtomically(directory: string, file: FileContent): Promise<void> {
  const path = join(directory, file.name);
  const temporary = temporaryName(path);
  try {
    await writeDurably(temporary, file);
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await discard(temporary);
    throw toStateError(`cannot write \`${path}\``, error);
  }
}

/**
 * Creates a directory of mode 0700 with all its files in one step, so that files that belong together are never seen apart.
 * Returns false, and changes nothing, when the directory already holds something: another process was first.
 */
export async function createDirectoryAtomically(
  path: string,
  files: readonly FileContent[],
): Promise<boolean> {
  const temporary = temporaryName(path);
  try {
    await mkdir(temporary, { mode: 0o700 });
    for (const file of files) await writeDurably(join(temporary, file.name), file);
    await syncDirectory(temporary);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return true;
  } catch (error) {
    await discard(temporary);
    if (isOccupied(error)) return false;
    throw toStateError(`cannot create \`${path}\``, error);
  }
}

async function writeDurably(path: string, file: FileContent): Promise<void> {
  const handle = await open(path, 'wx', file.mode);
  try {
    // The process's umask may have taken bits away that a public file needs.
    await handle.chmod(file.mode);
    await handle.writeFile(file.data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename survive a power failure. Windows cannot open directories and does without. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Cleans up after a failure, which is what gets reported: where nothing can be written, nothing can be removed either.
 */
async function discard(path: string): Promise<void> {
  await rm(path, { force: true, recursive: true }).catch(() => undefined);
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}

function isOccupied(error: unknown): boolean {
  return hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST');
}

function toStateError(attempt: string, cause: unknown, options?: { readonly hint: string }): GatewayError {
  return new GatewayError('E_STATE_UNWRITABLE', `${attempt}: ${explainFileError(cause)}`, {
    ...options,
    cause,
  });
}
