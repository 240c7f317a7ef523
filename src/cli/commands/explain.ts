import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

export function registerExplain(program: Command, run: Run): void {
  program
    .command('explain')
    .summary('explain an error code')
    .description('Tells what an error code means and what to do. Without a code it lists all of them.')
    .argument('[CODE]', 'a code such as E_CONFIG_VALUE')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater explain', 'list all codes'],
          ['breakwater explain E_UPSTREAM_UNREACHABLE', 'explain one'],
        ],
        exits: '0 explained, 2 no such code',
      }),
    )
    .action((code: string | undefined) =>
      run(async (context) => {
        const { runExplain } = await import('../actions/explain.ts');
        return runExplain(code, context);
      }),
    );
}
