import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { styleText } from 'node:util';
import type { Environment } from '../config/overlay.ts';

/** Where words go. */
export interface Output {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  /** What the terminal, NO_COLOR and FORCE_COLOR ask for. */
  readonly hasColors: boolean;
}

/** Everything the command line touches outside itself, so that tests can run it in their own process. */
export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Environment;
  readonly cwd: string;
  /** False where the terminal's encoding is not UTF-8. */
  readonly unicode: boolean;
  /** Reads an absolute path, or standard input for `-`. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

export function createProcessIo(): CliIo {
  const locale = process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '';
  return {
    stdout: createOutput(process.stdout),
    stderr: createOutput(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    unicode: process.platform === 'win32' || /utf-?8/i.test(locale),
    readFile: (path) => (path === '-' ? buffer(process.stdin) : readFile(path)),
  };
}

function createOutput(stream: NodeJS.WriteStream): Output {
  // A reader that has seen enough (`breakwater schema | head`) is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY,
    columns: stream.columns ?? 100,
    hasColors: styleText('bold', '-', { stream }) !== '-',
  };
}
