import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit status; 127 when the program is not there, 126 when it may not be run, -1 when a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program with an argument vector and waits for its end. No shell is involved, so no argument can become a command.
 * `input` is what it reads from standard input; without it there is none. Never rejects.
 */
export type RunCommand = (command: string, args: readonly string[], input?: string) => Promise<CommandResult>;

export const programMissing = 127;
const programForbidden = 126;
const maxOutput = 4 * 1024 * 1024;

/** The real runner. There is no time limit: `sudo`, keychains and databases with a password ask at the terminal. */
export const runCommand: RunCommand = (command, args, input) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout = clip(stdout + text)));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = clip(stderr + text)));
    // A program that ends without reading its input breaks the pipe; its exit status tells why.
    child.stdin.on('error', () => undefined);
    child.on('error', (error: NodeJS.ErrnoException) => {
      const status = error.code === 'ENOENT' ? programMissing : programForbidden;
      resolve({ status, stdout, stderr: error.code ?? error.message });
    });
    child.on('close', (code) => resolve({ status: code ?? -1, stdout, stderr }));
    child.stdin.end(input ?? '');
  });

function clip(text: string): string {
  return text.length > maxOutput ? text.slice(0, maxOutput) : text;
}
