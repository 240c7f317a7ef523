import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';
import { toStateOptions, withStateOptions, type StateFlags } from './state-options.ts';

interface StopFlags extends StateFlags {
  readonly now?: boolean;
}

/** The commands that ask a running gateway. */
export function registerControl(program: Command, run: Run): void {
  withStateOptions(program.command('status'))
    .summary('what a running gateway serves and has open')
    .description(
      'Asks the running gateway of a state directory what it serves, since when, with which certificates, and which calls and streams are open.',
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [['breakwater status --json', 'the same for programs']],
        exits: '0 told, 2 configuration, 4 no gateway runs',
      }),
    )
    .action((flags: StateFlags) =>
      run(async (context) => {
        const { runStatus } = await import('../actions/control.ts');
        return runStatus(toStateOptions(flags), context);
      }),
    );
  withStateOptions(program.command('reload'))
    .summary('have a running gateway read its configuration again')
    .description(
      'Has the running gateway read its configuration again and serve by it, without dropping a stream. A configuration with problems is not used: they are shown, and the one before goes on. SIGHUP does the same.',
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [['breakwater reload && breakwater status', 'take up the file, and see what came of it']],
        exits: '0 in use, 2 configuration, 4 no gateway runs, 6 refused for safety',
      }),
    )
    .action((flags: StateFlags) =>
      run(async (context) => {
        const { runReload } = await import('../actions/control.ts');
        return runReload(toStateOptions(flags), context);
      }),
    );
  withStateOptions(program.command('upgrade'))
    .summary('have the installed version take over a running gateway')
    .description(
      'Starts the program as it is on disk now in the place of each worker of a running gateway. The workers before take nothing new then and drain; no connection is refused meanwhile. A gateway of one process becomes the supervisor of one worker. SIGUSR2 does the same.',
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [['npm i -g breakwater && breakwater upgrade', 'a new version without a break']],
        exits: '0 done, 2 not possible, 4 no gateway runs',
      }),
    )
    .action((flags: StateFlags) =>
      run(async (context) => {
        const { runUpgrade } = await import('../actions/control.ts');
        return runUpgrade(toStateOptions(flags), context);
      }),
    );
  withStateOptions(program.command('stop'))
    .alias('drain')
    .summary('drain a running gateway and wait until it has ended')
    .description(
      'Has the running gateway accept nothing new, finish its calls and end its streams by the rule of their era; shows what it still waits for until it has ended. SIGTERM does the same.',
    )
    .option('--now', 'give up what still runs')
    .addHelpText(
      'after',
      describeCommand({
        examples: [['breakwater stop --now', 'without waiting for calls that run']],
        exits: '0 ended, 2 configuration, 4 no gateway runs',
      }),
    )
    .action(({ now = false, ...flags }: StopFlags) =>
      run(async (context) => {
        const { runStop } = await import('../actions/control.ts');
        return runStop({ ...toStateOptions(flags), now }, context);
      }),
    );
}
