import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

export function registerSchema(program: Command, run: Run): void {
  program
    .command('schema')
    .summary('print the JSON Schema of the configuration')
    .description('Prints the JSON Schema (draft-07) of breakwater.yaml for editors and other tools.')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater schema > breakwater.schema.json', 'write it to a file'],
          ['# yaml-language-server: $schema=breakwater.schema.json', 'first line of breakwater.yaml'],
        ],
        exits: '0 printed',
      }),
    )
    .action(() =>
      run(async (context) => {
        const { runSchema } = await import('../actions/schema.ts');
        return runSchema(context);
      }),
    );
}
