import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';
import { toStateOptions, withStateOptions, type StateFlags } from './state-options.ts';

interface CreateFlags extends StateFlags {
  readonly name: string;
  readonly scopes?: string;
  readonly expires?: string;
}

export function registerKeys(program: Command, run: Run): void {
  const keys = program
    .command('keys')
    .summary('create, list and revoke API keys')
    .description('API keys of the gateway, and the public keys of the tokens it signs for upstreams.')
    .helpCommand(false);
  registerCreate(keys, run);
  registerList(keys, run);
  registerRevoke(keys, run);
  registerJwks(keys, run);
  keys.addHelpText(
    'after',
    describeCommand({
      examples: [
        ['breakwater keys create --name ci --expires 90d', 'a key for 90 days, shown once'],
        ['breakwater keys revoke ci', 'the key counts no more, in a running gateway either'],
      ],
      exits: '0 done, 1 unexpected, 2 usage, name or state',
    }),
  );
}

function registerCreate(keys: Command, run: Run): void {
  withStateOptions(keys.command('create'))
    .summary('make an API key')
    .description(
      'Makes an API key and prints it, this one time, alone on standard output. Clients send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.',
    )
    .requiredOption('--name <NAME>', 'what rules, limits and logs call its holder')
    .option('--scopes <SCOPES>', 'what it may do where rules ask for scopes: a,b')
    .option('--expires <DURATION>', 'how long it counts, such as 90d (default: until revoked)')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater keys create --name ci', 'a key that counts until it is revoked'],
          ['breakwater keys create --name ci --scopes tools:read --expires 90d', 'with scopes, for 90 days'],
          ['breakwater keys create --name ci > key', 'the key alone goes to the file'],
        ],
        exits: '0 made, 2 usage, name taken, or state not usable',
      }),
    )
    .action(({ name, scopes, expires, ...flags }: CreateFlags) =>
      run(async (context) => {
        const { runCreate } = await import('../keys/create.ts');
        const options = {
          ...(scopes === undefined ? {} : { scopes }),
          ...(expires === undefined ? {} : { expires }),
        };
        return runCreate({ ...toStateOptions(flags), name, ...options }, context);
      }),
    );
}

function registerList(keys: Command, run: Run): void {
  withStateOptions(keys.command('list'))
    .summary('list the API keys')
    .description('Lists the API keys of the state directory: scopes, end and last use, to the hour.')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater keys list', 'of the configuration in this directory, or of the default state'],
          ['breakwater keys list --state-dir /var/lib/breakwater --json', 'for programs'],
        ],
        exits: '0 listed, 2 state not usable',
      }),
    )
    .action((flags: StateFlags) =>
      run(async (context) => {
        const { runList } = await import('../keys/list.ts');
        return runList(toStateOptions(flags), context);
      }),
    );
}

function registerRevoke(keys: Command, run: Run): void {
  withStateOptions(keys.command('revoke'))
    .summary('end an API key')
    .description(
      'Ends an API key for good. Within five seconds a running gateway refuses it, and ends what its holder has open.',
    )
    .argument('<KEY>', 'the name of the key')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater keys revoke ci', 'the key counts no more'],
          ['breakwater keys revoke ci && breakwater keys create --name ci', 'a new key in its place'],
        ],
        exits: '0 revoked, 2 no such key, or state not usable',
      }),
    )
    .action((name: string, flags: StateFlags) =>
      run(async (context) => {
        const { runRevoke } = await import('../keys/revoke.ts');
        return runRevoke({ ...toStateOptions(flags), name }, context);
      }),
    );
}

function registerJwks(keys: Command, run: Run): void {
  withStateOptions(keys.command('jwks'))
    .summary('print the public keys for upstreams')
    .description(
      'Prints the public keys with which upstreams check the tokens that the gateway signs for them, as a JWK Set.',
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater keys jwks', 'for an upstream that cannot fetch them'],
          ['breakwater keys jwks > jwks.json', 'into a file'],
        ],
        exits: '0 printed, 2 state not usable',
      }),
    )
    .action((flags: StateFlags) =>
      run(async (context) => {
        const { runJwks } = await import('../keys/jwks.ts');
        return runJwks(toStateOptions(flags), context);
      }),
    );
}
