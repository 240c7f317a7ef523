import { Argument, type Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

export function registerCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that lets the shell complete commands, options, files and error codes.')
    .addArgument(new Argument('<SHELL>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['source <(breakwater completion bash)', 'in ~/.bashrc'],
          ['source <(breakwater completion zsh)', 'in ~/.zshrc, after compinit'],
          ['breakwater completion fish | source', 'in ~/.config/fish/config.fish'],
        ],
        exits: '0 printed, 2 unknown shell',
      }),
    )
    .action((shell: string) =>
      run(async (context) => {
        const { runCompletion } = await import('../actions/completion.ts');
        return runCompletion(shell, context);
      }),
    );
}

/** What the scripts ask at every press of the tab key: the words so far, the one being typed last. */
export function registerComplete(program: Command, run: Run): void {
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action((words: readonly string[]) =>
      run(async ({ io }) => {
        const { buildArgumentValues, completeWords } = await import('../actions/complete.ts');
        io.stdout.write(completeWords(program, words, buildArgumentValues(io)).join(''));
        return 0;
      }),
    );
}
