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
  /** Asks a person and resolves to what was typed, empty when it was broken off; absent without a terminal to ask at. */
  readonly ask?: (question: string) => Promise<string>;
  /** The same for what must not be seen on the screen. */
  readonly askSecret?: (question: string) => Promise<string>;
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
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: askAtTerminal, askSecret: askUnseen } : {}),
  };
}

async function askAtTerminal(question: string): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // Ctrl+C and Ctrl+D close it, and a question would then never be answered.
    const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
    return await Promise.race([terminal.question(question), closed]);
  } finally {
    terminal.close();
  }
}

async function askUnseen(question: string): Promise<string> {
  const { askSecretly } = await import('./secret-prompt.ts');
  return askSecretly(process.stdin, (text) => void process.stderr.write(text), question);
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
