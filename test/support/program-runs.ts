import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { buildGatewayCommand, buildGatewayEnvironment } from './gateway-program.ts';

/** What came of a command. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs of the program in one directory. */
export interface ProgramRuns {
  /** Starts it with these arguments; its output is piped. */
  start(...args: readonly string[]): ChildProcess;
  /** Kills those that still run. */
  kill(): void;
}

export function createProgramRuns(directory: string): ProgramRuns {
  const running: ChildProcess[] = [];
  return {
    start(...args) {
      const program = buildGatewayCommand(args);
      const child = spawn(program.command, program.args, {
        cwd: directory,
        env: buildGatewayEnvironment(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      running.push(child);
      return child;
    },
    kill() {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}

/** Resolves once it has ended. */
export async function readOutcome(child: ChildProcess): Promise<Outcome> {
  if (child.stdout === null || child.stderr === null) throw new Error('not piped');
  const ended = once(child, 'exit');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: Number(code), stdout, stderr };
}

/** The first line on its standard output. */
export async function readFirstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('not piped');
  const [line] = await once(createInterface(child.stdout), 'line');
  return String(line);
}
