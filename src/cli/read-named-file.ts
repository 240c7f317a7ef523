import { resolve } from 'node:path';
import { GatewayError } from '../lib/gateway-error.ts';
import type { CliContext } from './context.ts';

/** What is in a file that an option or argument names; `-` is standard input. Throws the given code with the system's reason. */
export async function readNamedFile(
  file: string,
  { io }: CliContext,
  code: 'E_USAGE' | 'E_CONFIG_FILE',
): Promise<Uint8Array> {
  try {
    return await io.readFile(file === '-' ? '-' : resolve(io.cwd, file));
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    throw new GatewayError(code, `\`${file}\` could not be read (${reason})`, {
      hint: 'check the name of the file and who may read it',
      cause: error,
    });
  }
}
