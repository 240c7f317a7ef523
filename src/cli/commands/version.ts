import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

export function registerVersion(program: Command, run: Run): void {
  program
    .command('version')
    .summary('show version and environment')
    .description('Shows the version and the facts about this machine that a report of a problem needs.')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater version', 'for people'],
          ['breakwater version --json', 'for programs'],
        ],
        exits: '0 shown',
      }),
    )
    .action(() =>
      run(async (context) => {
        const { runVersion } = await import('../actions/version.ts');
        return runVersion(context);
      }),
    );
}
