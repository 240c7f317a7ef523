import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';
import { toStateOptions, withStateOptions, type StateFlags } from './state-options.ts';

interface PasswordFlags extends StateFlags {
  readonly passwordStdin?: boolean;
}

interface AddFlags extends PasswordFlags {
  readonly email?: string;
}

export function registerUsers(program: Command, run: Run): void {
  const users = program
    .command('users')
    .summary('add, list and remove local accounts')
    .description(
      'Local accounts: who may log in with a name and a password at the built-in authorization server.',
    )
    .helpCommand(false);
  registerAdd(users, run);
  registerList(users, run);
  registerRemove(users, run);
  registerPasswd(users, run);
  users.addHelpText(
    'after',
    describeCommand({
      examples: [
        ['breakwater users add alice', 'asks for a password'],
        ['breakwater users passwd alice --password-stdin < password', 'a new one from a file'],
      ],
      exits: '0 done, 1 unexpected, 2 usage, name or state',
    }),
  );
}

function registerAdd(users: Command, run: Run): void {
  withPassword(users.command('add'))
    .summary('add an account')
    .description('Adds an account. Asks for its password, which needs 12 characters.')
    .argument('<USERNAME>', 'letters, digits and ._@+-; case does not matter')
    .option('--email <ADDRESS>', 'for your own records')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater users add alice --email alice@example.com', 'asks for the password, unseen'],
          ['breakwater users add alice --password-stdin < password', 'for programs'],
        ],
        exits: '0 added, 2 usage, name taken, or state not usable',
      }),
    )
    .action((name: string, { email, passwordStdin, ...flags }: AddFlags) =>
      run(async (context) => {
        const { runAdd } = await import('../users/add.ts');
        const options = { name, passwordStdin: passwordStdin === true };
        return runAdd(
          { ...toStateOptions(flags), ...options, ...(email === undefined ? {} : { email }) },
          context,
        );
      }),
    );
}

function registerList(users: Command, run: Run): void {
  withStateOptions(users.command('list'))
    .summary('list the accounts')
    .description('Lists the local accounts of the state directory.')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater users list', 'of the configuration in this directory, or of the default state'],
          ['breakwater users list --json', 'for programs'],
        ],
        exits: '0 listed, 2 state not usable',
      }),
    )
    .action((flags: StateFlags) =>
      run(async (context) => {
        const { runList } = await import('../users/list.ts');
        return runList(toStateOptions(flags), context);
      }),
    );
}

function registerRemove(users: Command, run: Run): void {
  withStateOptions(users.command('remove'))
    .summary('remove an account')
    .description(
      'Removes an account: nobody can log in with it any more, and all its logins end, within seconds. An account that gets the name later inherits nothing.',
    )
    .argument('<USER>', 'the name of the account')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater users remove alice', 'remove the account'],
          ['breakwater users remove alice --state-dir /var/lib/breakwater', 'of a certain gateway'],
        ],
        exits: '0 removed, 2 no such account, or state not usable',
      }),
    )
    .action((name: string, flags: StateFlags) =>
      run(async (context) => {
        const { runRemove } = await import('../users/remove.ts');
        return runRemove({ ...toStateOptions(flags), name }, context);
      }),
    );
}

function registerPasswd(users: Command, run: Run): void {
  withPassword(users.command('passwd'))
    .summary('change the password of an account')
    .description(
      'Gives an account a new password, which needs 12 characters. Clients and browsers that are logged in stay so.',
    )
    .argument('<USER>', 'the name of the account')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater users passwd alice', 'asks for the new password, unseen'],
          ['breakwater users passwd alice --password-stdin < password', 'for programs'],
        ],
        exits: '0 changed, 2 no such account, usage, or state not usable',
      }),
    )
    .action((name: string, { passwordStdin, ...flags }: PasswordFlags) =>
      run(async (context) => {
        const { runPasswd } = await import('../users/passwd.ts');
        return runPasswd({ ...toStateOptions(flags), name, passwordStdin: passwordStdin === true }, context);
      }),
    );
}

function withPassword(command: Command): Command {
  return withStateOptions(command).option('--password-stdin', 'read the password from standard input');
}
