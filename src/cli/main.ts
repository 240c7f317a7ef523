import cluster from 'node:cluster';
import { CommanderError } from 'commander';
import { createContext } from './context.ts';
import { reportFailure, toFailure } from './failure.ts';
import { createProcessIo, type CliIo } from './io.ts';
import { buildProgram } from './program.ts';

/** Runs one command line without the names of runtime and script. Returns the exit code; never throws, never exits. */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const context = createContext(argv, io);
  let exitCode = 0;
  const program = buildProgram(context, async (task) => {
    exitCode = await task(context);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      // Help instead of a missing command is already written, to standard error.
      if (error.code === 'commander.help' && !context.json) return 2;
    }
    return reportFailure(toFailure(error), context);
  }
}

/** The whole life of the process: its arguments, its streams, its exit code. */
export async function runProcess(): Promise<void> {
  if (cluster.isWorker) {
    const { runWorker } = await import('../gateway/workers/worker.ts');
    await runWorker();
    return;
  }
  const argv = process.argv.slice(2);
  const io = createProcessIo();
  // Against stack traces in front of people; going on after an unforeseen failure would be worse.
  process.on('uncaughtException', (error) => {
    process.exit(reportFailure(toFailure(error), createContext(argv, io)));
  });
  process.exitCode = await main(argv, io);
}
