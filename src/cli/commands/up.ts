import { Option, type Command } from 'commander';
import type { ConfigFlags } from '../../config/overlay.ts';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';
import { collect } from './repeated-option.ts';

/** The options as commander hands them over. */
interface UpFlags extends Omit<ConfigFlags, 'target'> {
  readonly config?: string;
  readonly watch?: boolean;
}

export function registerUp(program: Command, run: Run): void {
  program
    .command('up')
    .summary('serve an MCP server over HTTPS')
    .description(
      'Puts an MCP server behind TLS and runs in the foreground until it is interrupted. Without --domain it is reachable from this machine alone.',
    )
    .argument('[TARGET]', 'the MCP server: a port, host:port, URL or unix:SOCKET:PATH')
    .optionsGroup('Address:')
    .option('--domain <NAME>', 'public host name; can be given several times', collect)
    .option('--listen <ADDRESS>', 'host:port, :port or port for HTTPS')
    .optionsGroup('Security:')
    .option('--cert <FILE>', 'certificate and chain as PEM, with --key')
    .option('--key <FILE>', 'private key as PEM, with --cert')
    .option('--email <ADDRESS>', 'where the certificate authority may write to')
    .option('--accept-terms', 'accept the terms of service of the certificate authority')
    .option('--staging', "use Let's Encrypt's staging directory, for experiments")
    .addOption(
      new Option(
        '--auth <MODE>',
        'who may call: holders of a new API key, whoever logs in, or everyone',
      ).choices(['key', 'oauth', 'none']),
    )
    .option('--danger-allow-public', 'allow a public address without access control')
    .optionsGroup('Processes:')
    .option('--workers <N>', 'processes that carry traffic, or auto for one a core')
    .optionsGroup('Files:')
    .option('-c, --config <FILE>', 'configuration, or - for standard input')
    .option('--watch', 'reload the configuration whenever its file is written')
    .option('--state-dir <DIR>', 'where certificates and keys are kept')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater up 8000', 'https://localhost:8443/mcp for port 8000'],
          ['breakwater up 8000 --auth key', 'the same, for holders of a key'],
          [
            'breakwater up 8000 --domain mcp.example.com --auth key',
            'to all, at https://mcp.example.com/mcp',
          ],
          [
            'breakwater up 8000 --domain mcp.example.com --cert c.pem --key k.pem',
            'with a certificate of yours',
          ],
          ['breakwater up --config breakwater.yaml', 'everything from a file'],
        ],
        exits: '0 drained, 1 unexpected, 2 configuration, 4 unreachable, 6 refused for safety',
      }),
    )
    .action((target: string | undefined, { config, watch, ...flags }: UpFlags) =>
      run(async (context) => {
        const { runUp } = await import('../actions/up.ts');
        return runUp(
          {
            ...(config === undefined ? {} : { file: config }),
            ...(watch === undefined ? {} : { watch }),
            flags: { ...flags, ...(target === undefined ? {} : { target }) },
          },
          context,
        );
      }),
    );
}
