import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

interface CheckFlags {
  readonly print?: boolean;
}

export function registerCheck(program: Command, run: Run): void {
  program
    .command('check')
    .summary('validate the configuration')
    .description('Builds everything that `up` would build and listens on nothing. All problems come at once.')
    .argument('[FILE]', 'configuration, or - for standard input (default: breakwater.yaml)')
    .option('--print', 'print the resolved configuration, each value with its origin')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater check', 'check ./breakwater.yaml'],
          ['breakwater check --print other.yaml', 'show every value and where it comes from'],
          ['generate | breakwater check - --json', 'problems as JSON'],
        ],
        exits: '0 valid, 2 not valid',
      }),
    )
    .action((file: string | undefined, flags: CheckFlags) =>
      run(async (context) => {
        const [{ runCheck }, { provision }] = await Promise.all([
          import('../actions/check.ts'),
          import('../../gateway/provision.ts'),
        ]);
        const source = file === undefined ? {} : { file };
        return runCheck({ ...source, print: flags.print === true, provision }, context);
      }),
    );
}
