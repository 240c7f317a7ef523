import type { Command } from 'commander';
import type { StateOptions } from '../state-source.ts';

/** The options that say which state directory is meant, as commander hands them over. */
export interface StateFlags {
  readonly config?: string;
  readonly stateDir?: string;
}

export function withStateOptions(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'configuration, or - for standard input')
    .option('--state-dir <DIR>', 'where the gateway keeps its state');
}

export function toStateOptions({ config, stateDir }: StateFlags): StateOptions {
  return {
    ...(config === undefined ? {} : { file: config }),
    ...(stateDir === undefined ? {} : { stateDir }),
  };
}
