import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** Gives `run` the context and ends the process with the number it returns. */
export type Run = (task: (context: CliContext) => Promise<number>) => Promise<void>;

/** Adds one command to the program. Its action imports what it needs only when it runs. */
export type RegisterCommand = (program: Command, run: Run) => void;
