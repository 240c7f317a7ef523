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
  /** What a person at the terminal answers, one question after the other; nobody is there when absent. */
  readonly answers?: readonly string[];
}

export const cwd = '/srv/gateway';

/** Runs a command line in this process, with its own files and variables. */
export function runCli(argv: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  return capture((io) => main(argv, io), surroundings);
}

/** Runs a part of the command line, with what is around it in memory. */
export async function capture(
  run: (io: CliIo) => Promise<number>,
  surroundings: Surroundings = {},
): Promise<Outcome> {
  const written = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr'): CliIo['stdout'] => ({
    write: (text) => {
      written[name] += text;
    },
    isTerminal: false,
    columns: 100,
    hasColors: surroundings.hasColors === true,
  });
  const { answers, files = {} } = surroundings;
  const left = [...(answers ?? [])];
  const exit = await run({
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: { HOME: '/home/op', ...surroundings.env },
    cwd,
    unicode: true,
    readFile: (path) => {
      const text = files[path];
      if (text !== undefined) return Promise.resolve(Buffer.from(text));
      return Promise.reject(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
    },
    ...(answers === undefined
      ? {}
      : {
          ask: (question) => {
            written.stderr += question;
            return Promise.resolve(left.shift() ?? '');
          },
          askSecret: (question) => {
            written.stderr += `${question}\n`;
            return Promise.resolve(left.shift() ?? '');
          },
        }),
  });
  return { exit, ...written };
}
