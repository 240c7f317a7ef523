import { Option, type Command } from 'commander';
import type { FindingSeverity, LintEngine } from '../../render/lint/finding.ts';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

interface LintFlags {
  readonly as?: LintEngine;
  readonly path?: string;
  readonly engineVersion?: string;
  readonly fix?: boolean;
  readonly inPlace?: boolean;
  readonly output?: string;
  readonly failOn: FindingSeverity;
}

export function registerLint(program: Command, run: Run): void {
  program
    .command('lint')
    .summary('check the configuration of another proxy')
    .description(
      'Reads a configuration of nginx, Caddy, Apache or HAProxy, with what it includes, and says what in it breaks MCP clients.',
    )
    .argument('<FILE>', 'configuration, or - for standard input')
    .addOption(
      new Option('--as <ENGINE>', 'what it is for (default: by name and contents)').choices([
        'nginx',
        'caddy',
        'apache',
        'haproxy',
      ]),
    )
    .option('--path <PATH>', 'public path of the endpoint (default: what looks like one)')
    .option('--engine-version <VERSION>', 'version of the proxy, such as 1.25.1')
    .option('--fix', 'write a corrected copy (nginx alone)')
    .option('-o, --output <FILE>', 'where the corrected copy goes (default: FILE.fixed)')
    .option('--in-place', 'correct FILE itself')
    .addOption(
      new Option('--fail-on <SEVERITY>', 'least severity that counts as failure')
        .choices(['error', 'warning', 'info'])
        .default('error'),
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater lint /etc/nginx/nginx.conf', 'check a configuration with its includes'],
          ['breakwater lint site.conf --path /mcp', 'name the endpoint'],
          ['breakwater lint --fix nginx.conf', 'write nginx.conf.fixed'],
          ['breakwater explain nginx-chunked-off', 'what a finding means'],
        ],
        exits: '0 nothing found at or above --fail-on, 2 not readable, 5 found',
      }),
    )
    .action((file: string, flags: LintFlags) =>
      run(async (context) => {
        const { runLint } = await import('../actions/lint.ts');
        const { as, path, engineVersion, output } = flags;
        return runLint(
          {
            file,
            failOn: flags.failOn,
            fix: flags.fix === true,
            inPlace: flags.inPlace === true,
            ...(as === undefined ? {} : { engine: as }),
            ...(path === undefined ? {} : { path }),
            ...(engineVersion === undefined ? {} : { version: engineVersion }),
            ...(output === undefined ? {} : { output }),
          },
          context,
        );
      }),
    );
}
