import { Option, type Command } from 'commander';
import type { ConfigFlags } from '../../config/overlay.ts';
import { clientNames, type Access, type ClientName } from '../client/client-name.ts';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';
import { collect } from './repeated-option.ts';

/** The options as commander hands them over. */
interface ClientFlags {
  readonly for: ClientName;
  readonly url?: string;
  readonly route?: string;
  readonly name?: string;
  readonly auth?: Access;
  readonly domain?: readonly string[];
  readonly listen?: string;
  readonly config?: string;
  readonly stateDir?: string;
}

export function registerClient(program: Command, run: Run): void {
  program
    .command('client')
    .summary('print what an MCP client needs to connect')
    .description(
      'Prints the command, the entry or the code with which a client reaches this gateway. Address and access come from the configuration, as with `up`, or from --url.',
    )
    .argument('[TARGET]', 'the MCP server, as for `up`: a port, host:port, URL or unix:SOCKET:PATH')
    .addOption(new Option('--for <CLIENT>', 'the client').choices(clientNames).makeOptionMandatory())
    .addOption(
      new Option('--auth <WAY>', 'how it gets in (default: as the route says)').choices([
        'none',
        'key',
        'oauth',
      ]),
    )
    .option('--name <NAME>', 'what the client calls the server')
    .optionsGroup('Address:')
    .addOption(
      new Option('--url <URL>', 'the public URL, instead of a configuration').conflicts([
        'config',
        'route',
        'domain',
        'listen',
      ]),
    )
    .option('--route <PATH>', 'the route, where there are several: `/mcp`, or `a.example.com/mcp`')
    .option('--domain <NAME>', 'public host name; can be given several times', collect)
    .option('--listen <ADDRESS>', 'host:port, :port or port for HTTPS')
    .optionsGroup('Files:')
    .option('-c, --config <FILE>', 'configuration, or - for standard input')
    .option('--state-dir <DIR>', 'where certificates and keys are kept')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater client --for claude-code', 'for the configuration in this directory'],
          ['breakwater client 8000 --for mcp-remote', 'for `breakwater up 8000`'],
          ['breakwater client --for vscode > .vscode/mcp.json', 'the snippet alone goes to the file'],
          [
            'breakwater client --for python --auth key --url https://mcp.example.com/mcp',
            'for a gateway elsewhere',
          ],
        ],
        exits: '0 printed, 2 usage or configuration',
      }),
    )
    .action((target: string | undefined, flags: ClientFlags) =>
      run(async (context) => {
        const { runClient } = await import('../client/run-client.ts');
        return runClient(
          {
            client: flags.for,
            flags: toConfigFlags(target, flags),
            ...(flags.auth === undefined ? {} : { access: flags.auth }),
            ...(flags.config === undefined ? {} : { file: flags.config }),
            ...(flags.route === undefined ? {} : { route: flags.route }),
            ...(flags.url === undefined ? {} : { url: flags.url }),
            ...(flags.name === undefined ? {} : { name: flags.name }),
          },
          context,
        );
      }),
    );
}

function toConfigFlags(target: string | undefined, flags: ClientFlags): ConfigFlags {
  const { auth, domain, listen, stateDir } = flags;
  return {
    ...(target === undefined ? {} : { target }),
    ...(auth === undefined ? {} : { auth }),
    ...(domain === undefined ? {} : { domain }),
    ...(listen === undefined ? {} : { listen }),
    ...(stateDir === undefined ? {} : { stateDir }),
  };
}
