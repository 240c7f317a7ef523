import type { Command } from 'commander';
import type { Run } from '../command.ts';
import { describeCommand } from '../command-help.ts';

/** The options of all these commands, as commander hands them over. */
interface CertsFlags {
  readonly config?: string;
  readonly stateDir?: string;
}

interface RenewFlags extends CertsFlags {
  readonly wait: boolean;
}

interface ExportFlags extends CertsFlags {
  readonly out: string;
  readonly force?: boolean;
}

interface TrustFlags extends CertsFlags {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function registerCerts(program: Command, run: Run): void {
  const certs = program
    .command('certs')
    .summary('look at certificates, renew, export and trust them')
    .description('Certificates of the gateway: what there is, until when, and who trusts it.')
    .helpCommand(false);
  registerList(certs, run);
  registerShow(certs, run);
  registerRenew(certs, run);
  registerExport(certs, run);
  registerTrust(certs, run);
  registerUntrust(certs, run);
  certs.addHelpText(
    'after',
    describeCommand({
      examples: [
        ['breakwater certs list', 'every certificate, when it ends and when it is renewed'],
        ['breakwater certs trust', 'let browsers and clients of this machine trust https://localhost:8443'],
      ],
      exits: '0 done, 1 unexpected, 2 usage, 4 no gateway or authority, 6 refused for safety',
    }),
  );
}

function registerList(certs: Command, run: Run): void {
  withSource(certs.command('list'))
    .summary('list all certificates')
    .description('Lists the certificates of the state directory and of the configuration.')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater certs list', 'of the configuration in this directory, or of the default state'],
          ['breakwater certs list --state-dir /var/lib/breakwater --json', 'for programs'],
        ],
        exits: '0 listed, 1 state not readable, 2 configuration',
      }),
    )
    .action((flags: CertsFlags) =>
      run(async (context) => {
        const { runList } = await import('../certs/list.ts');
        return runList(toSource(flags), context);
      }),
    );
}

function registerShow(certs: Command, run: Run): void {
  withSource(certs.command('show'))
    .summary('show one certificate')
    .description('Shows names, chain, key and fingerprint of a certificate, and how its renewal stands.')
    .argument('<NAME>', 'a name that the certificate is for')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater certs show mcp.example.com', 'the certificate for this name'],
          ['breakwater certs show local-ca', 'the local certificate authority'],
        ],
        exits: '0 shown, 2 no such certificate',
      }),
    )
    .action((name: string, flags: CertsFlags) =>
      run(async (context) => {
        const { runShow } = await import('../certs/show.ts');
        return runShow({ ...toSource(flags), name }, context);
      }),
    );
}

function registerRenew(certs: Command, run: Run): void {
  withSource(certs.command('renew'))
    .summary('renew certificates now')
    .description(
      'Asks the running gateway to renew now, and waits for the outcome. Without NAME: everything obtained over ACME. Renewal happens by itself; this is for when something was wrong.',
    )
    .argument('[NAME]', 'a name that the certificate is for')
    .option('--no-wait', 'ask and do not wait')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater certs renew mcp.example.com', 'renew one and show each step'],
          ['breakwater certs renew --no-wait', 'ask for all'],
        ],
        exits: '0 renewed, 1 refused by the authority, 2 no such certificate, 4 no gateway or authority',
      }),
    )
    .action((name: string | undefined, { wait, ...flags }: RenewFlags) =>
      run(async (context) => {
        const { runRenew } = await import('../certs/renew.ts');
        return runRenew({ ...toSource(flags), ...(name === undefined ? {} : { name }), wait }, context);
      }),
    );
}

function registerExport(certs: Command, run: Run): void {
  withSource(certs.command('export'))
    .summary('write a certificate and its key to files')
    .description('Writes cert.pem, with the chain, and key.pem, readable by you alone, for another server.')
    .argument('<NAME>', 'a name that the certificate is for')
    .option('--out <DIR>', 'where to write, or - for standard output', '.')
    .option('--force', 'replace files that are there')
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater certs export mcp.example.com --out /etc/other', 'two files'],
          ['breakwater certs export local-ca --out -', 'the certificate that clients have to trust'],
        ],
        exits: '0 written, 1 not writable, 2 no such certificate, 6 a file is already there',
      }),
    )
    .action((name: string, { out, force, ...flags }: ExportFlags) =>
      run(async (context) => {
        const { runExport } = await import('../certs/export.ts');
        return runExport({ ...toSource(flags), name, out, force: force === true }, context);
      }),
    );
}

function registerTrust(certs: Command, run: Run): void {
  withTrust(certs.command('trust'))
    .summary('let this machine trust the local authority')
    .description(
      'Adds the local certificate authority to the trust stores of the system and its browsers, and prints what other programs need. Shows every change first and asks.',
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater certs trust', 'show the plan, ask, do it'],
          ['breakwater certs trust --dry-run', 'show the plan alone'],
        ],
        exits: '0 trusted, 1 a store could not be changed, 2 usage, 6 not confirmed',
      }),
    )
    .action((flags: TrustFlags) => runTrustCommand('trust', flags, run));
}

function registerUntrust(certs: Command, run: Run): void {
  withTrust(certs.command('untrust'))
    .summary('undo trust')
    .description(
      'Removes the local certificate authority from every trust store. The authority itself stays.',
    )
    .addHelpText(
      'after',
      describeCommand({
        examples: [
          ['breakwater certs untrust', 'show the plan, ask, do it'],
          ['breakwater certs untrust --yes', 'do it'],
        ],
        exits: '0 removed, 1 a store could not be changed, 2 usage, 6 not confirmed',
      }),
    )
    .action((flags: TrustFlags) => runTrustCommand('untrust', flags, run));
}

function runTrustCommand(action: 'trust' | 'untrust', flags: TrustFlags, run: Run): Promise<void> {
  const { yes, dryRun, ...source } = flags;
  return run(async (context) => {
    const { runTrust } = await import('../certs/trust.ts');
    return runTrust({ ...toSource(source), action, yes: yes === true, dryRun: dryRun === true }, context);
  });
}

function withTrust(command: Command): Command {
  return withSource(command)
    .option('--yes', 'agree without being asked')
    .option('--dry-run', 'show what would happen, and change no store');
}

function withSource(command: Command): Command {
  return command
    .option('-c, --config <FILE>', 'configuration, or - for standard input')
    .option('--state-dir <DIR>', 'where certificates and keys are kept');
}

function toSource({ config, stateDir }: CertsFlags): { readonly file?: string; readonly stateDir?: string } {
  return {
    ...(config === undefined ? {} : { file: config }),
    ...(stateDir === undefined ? {} : { stateDir }),
  };
}
