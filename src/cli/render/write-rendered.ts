import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { toPrintable } from '../../lib/printable.ts';
import { hasHeader } from '../../render/header.ts';
import type { RenderedFile } from '../../render/rendered.ts';

/**
 * Writes the files below a folder, or a single one to the path itself. Looks at all that is there first, so that it writes all or
 * nothing. Returns the paths. Throws E_RENDER_EXISTS for a file of somebody else, unless `force`.
 */
export async function writeRendered(
  files: readonly RenderedFile[],
  options: { readonly output: string; readonly force: boolean },
): Promise<readonly string[]> {
  const { output, force } = options;
  const isFolder = files.length > 1 || output.endsWith('/') || (await isDirectory(output));
  const targets = files.map(({ path, text }) => ({
    path: isFolder ? join(output, path) : output,
    text,
  }));
  if (!force) for (const { path } of targets) await refuseOthers(path);
  try {
    for (const { path, text } of targets) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
  } catch (error) {
    throw new GatewayError('E_USAGE', `\`${toPrintable(output)}\` cannot be written: ${toReason(error)}`, {
      hint: 'choose another place with `-o`',
      cause: error,
    });
  }
  return targets.map(({ path }) => path);
}

async function refuseOthers(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    // What is there and cannot be read cannot be ours either.
    return hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR') ? undefined : '';
  });
  if (text === undefined || hasHeader(text)) return;
  throw new GatewayError(
    'E_RENDER_EXISTS',
    `\`${toPrintable(path)}\` is there, and Breakwater did not write it`,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

function toReason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
