import { Option, type Command } from 'commander';
import type { DoctorCommandOptions } from '../actions/doctor.ts';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

export function registerDoctor(program: Command, run: Run): void {
  program
    .command('doctor')
    .summary('say from outside what is wrong with an endpoint')
    .description(
      'Asks a live endpoint of MCP, whatever stands before it, from DNS to OAuth, and says what breaks clients and how to mend it. It only reads: a tool is called with `--call` alone, and a client registered with `--register` alone.',
    )
    .argument('[URL]', 'address of the endpoint')
    .option('--token-env <NAME>', 'environment variable that holds a bearer token')
    .option('--token-file <FILE>', 'file that holds a bearer token, or - for standard input')
    .option('--login', 'log in in a browser first, by OAuth')
    .option('--idle <DURATION>', 'watch a quiet stream for so long, such as 90s')
    .option('--call <TOOL>', 'call a tool without arguments, and watch its events')
    .option('--register', 'register clients to see which redirects are taken')
    .option('--ca <FILE>', 'believe these roots as well, PEM')
    .option('--http-port <PORT>', 'where plain HTTP is (default: 80 beside 443)')
    .option('--from <FILE>', 'judge facts that were written down before')
    .option('--facts <FILE>', 'write the facts down')
    .option('--check <ID>', 'show one check alone')
    .option('--list', 'list all checks')
    .option('-v, --verbose', 'show what passed, and what was seen')
    .option('-q, --quiet', 'say nothing: the exit code is the answer')
    .addOption(
      new Option('--format <FORMAT>', 'form of the report')
        .choices(['text', 'html', 'sarif', 'junit'])
        .default('text'),
    )
    .option('-o, --output <FILE>', 'where the report goes (default: standard output)')
    .option('--baseline <FILE>', 'findings that are known, YAML; fails as well where one is gone')
    .addOption(
      new Option('--fail-on <SEVERITY>', 'least severity that counts as failure')
        .choices(['error', 'warning', 'info'])
        .default('error'),
    )
    .option('--bundle <FILE>', 'pack facts and report for a bug report, without secrets')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater doctor https://mcp.example.com/mcp', 'from DNS to OAuth, without a credential'],
          ['breakwater doctor URL --token-env TOKEN --idle 90s', 'as a user, with a quiet stream'],
          ['breakwater doctor URL --format html -o report.html', 'a page to pass on'],
          ['breakwater doctor --from facts.json', 'judge again, offline'],
          ['breakwater explain proxy-sibling-exposed', 'what a finding means'],
        ],
        exits:
          '0 nothing found at or above --fail-on, 2 usage, 3 the credential was refused, 4 unreachable, 5 found',
      }),
    )
    .action((url: string | undefined, flags: Omit<DoctorCommandOptions, 'url'>) =>
      run(async (context) => {
        const { runDoctor } = await import('../actions/doctor.ts');
        return runDoctor({ ...flags, ...(url === undefined ? {} : { url }) }, context);
      }),
    );
}
