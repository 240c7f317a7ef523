import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

interface CheckFlags {
  readonly print?: boolean;
  readonly explainAccess?: readonly string[];
}

export function registerCheck(program: Command, run: Run): void {
  program
    .command('check')
    .summary('validate the configuration')
    .description('Builds everything that `up` would build and listens on nothing. All problems come at once.')
    .argument('[FILE]', 'configuration, or - for standard input (default: breakwater.yaml)')
    .option('--print', 'print the resolved configuration, each value with its origin')
    .option('--explain-access <USER TOOL...>', 'say which rule decides when USER calls TOOL')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater check', 'check ./breakwater.yaml'],
          ['breakwater check --print other.yaml', 'show every value and where it comes from'],
          ['breakwater check --explain-access key:ci search', 'may this key call this tool, and why'],
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
        const { explainAccess } = flags;
        return runCheck(
          {
            ...(file === undefined ? {} : { file }),
            ...(explainAccess === undefined ? {} : { explainAccess }),
            print: flags.print === true,
            provision,
          },
          context,
        );
      }),
    );
}
