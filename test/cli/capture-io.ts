import type { CliIo } from '../../src/cli/io.ts';
import { main } from '../../src/cli/main.ts';

/** What one command left behind. */
export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Surroundings {
  /** Files by absolute path; `-` is standard input. */
  readonly files?: { readonly [path: string]: string };
  readonly env?: CliIo['env'];
  readonly hasColors?: boolean;
}

export const cwd = '/srv/gateway';

/** Runs a command line in this process, with its own files and variables. */
export async function runCli(argv: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr'): CliIo['stdout'] => ({
    write: (text) => {
      written[name] += text;
    },
    isTerminal: false,
    columns: 100,
    hasColors: surroundings.hasColors === true,
  });
  const exit = await main(argv, {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: { HOME: '/home/op', ...surroundings.env },
    cwd,
    unicode: true,
    readFile: (path) => {
      const text = surroundings.files?.[path];
      if (text !== undefined) return Promise.resolve(Buffer.from(text));
      return Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
    },
  });
  return { exit, ...written };
}
