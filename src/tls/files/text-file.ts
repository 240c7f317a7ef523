import { open } from 'node:fs/promises';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { explainFileError } from '../../lib/file-errors.ts';
import { fail, ok, type Result } from '../../lib/result.ts';

/** What a file holds, and its name for messages. */
export interface NamedText {
  readonly file: string;
  readonly text: string;
}

export interface TextFile extends NamedText {
  /** Permission bits. */
  readonly mode: number;
}

export interface TextFileOptions {
  readonly path: string;
  /** Names the file in messages: `certificate`. */
  readonly what: string;
  /** A larger file is the wrong file: no chain comes near 1 MiB, which is the limit when absent. */
  readonly mebibytes?: number;
}

/** Reads a regular file. Fails with E_TLS_UNREADABLE. */
export async function readTextFile(options: TextFileOptions): Promise<Result<TextFile, Diagnostic>> {
  const { path, what, mebibytes = 1 } = options;
  const unreadable = (reason: string): { readonly ok: false; readonly error: Diagnostic } =>
    fail({
      severity: 'error',
      code: 'E_TLS_UNREADABLE',
      message: `cannot read the ${what} \`${path}\`: ${reason}`,
      file: path,
    });
  try {
    const handle = await open(path, 'r');
    try {
      const status = await handle.stat();
      if (status.isDirectory()) return unreadable('it is a directory');
      if (!status.isFile()) return unreadable('it is not a regular file');
      if (status.size > mebibytes * 1_048_576) return unreadable(`it is larger than ${mebibytes} MiB`);
      return ok({ file: path, text: await handle.readFile('utf8'), mode: status.mode });
    } finally {
      await handle.close();
    }
  } catch (error) {
    return unreadable(explainFileError(error));
  }
}
