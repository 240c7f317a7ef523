import { Argument, Option, type Command } from 'commander';
import { renderTargets, type RenderTarget } from '../../render/target.ts';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';
import { parseTarget } from '../render/target-name.ts';

interface RenderFlags {
  readonly config?: string;
  readonly output?: string;
  readonly mode: 'direct' | 'front';
  readonly check?: boolean;
  readonly force?: boolean;
  readonly nginxVersion?: string;
  readonly sockets?: boolean;
  readonly cert?: string;
  readonly key?: string;
}

export function registerRender(program: Command, run: Run): void {
  program
    .command('render')
    .summary('write the configuration of another proxy')
    .description(
      'Writes, from the same configuration, that of another proxy, or of what starts Breakwater as a service. A comment over each line that is not obvious says what breaks without it; what the proxy cannot do is said on standard error.',
    )
    .addArgument(
      new Argument('<TARGET>', 'the proxy, or what starts Breakwater')
        // For completion and help; the parser below it suggests what was meant.
        .choices(renderTargets)
        .argParser(parseTarget),
    )
    .addOption(
      new Option(
        '--mode <MODE>',
        'direct: the proxy talks to the MCP servers; front: it ends TLS and talks to Breakwater',
      )
        .choices(['direct', 'front'])
        .default('direct'),
    )
    .option('--check', "let the proxy's own program test the result")
    .option('--nginx-version <VERSION>', 'the nginx that will read it (default: current)')
    .option('--sockets', 'systemd: a .socket unit, too, which keeps the ports open during a restart')
    .optionsGroup('Files:')
    .option('-c, --config <FILE>', 'configuration, or - for standard input (default: breakwater.yaml)')
    .option('-o, --output <FILE>', 'file, or folder where there are several, instead of standard output')
    .option('--force', 'replace files that Breakwater did not write')
    .option('--cert <FILE>', 'certificate with its chain, instead of that of the configuration')
    .option('--key <FILE>', 'its private key')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater render nginx', 'an nginx.conf for ./breakwater.yaml'],
          ['breakwater render caddy --check -o Caddyfile', 'write it if Caddy accepts it'],
          ['breakwater render haproxy --mode front', 'for HAProxy before Breakwater'],
          ['breakwater render compose -o deploy/', 'several files go to a folder'],
        ],
        exits:
          '0 rendered, 2 configuration, or not possible with this proxy, 4 proxy not installed (--check), 5 refused by the proxy (--check), 6 a file is in the way',
      }),
    )
    .action((target: RenderTarget, flags: RenderFlags) =>
      run(async (context) => {
        const { runRender } = await import('../actions/render.ts');
        const { config, output, mode, nginxVersion, cert, key } = flags;
        return runRender(
          {
            target,
            mode,
            check: flags.check === true,
            force: flags.force === true,
            sockets: flags.sockets === true,
            ...(config === undefined ? {} : { file: config }),
            ...(output === undefined ? {} : { output }),
            ...(nginxVersion === undefined ? {} : { nginxVersion }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
          },
          context,
        );
      }),
    );
}
