import { Command, Option } from 'commander';
import type { RegisterCommand, Run } from './command.ts';
import { registerCerts } from './commands/certs.ts';
import { registerCheck } from './commands/check.ts';
import { registerClient } from './commands/client.ts';
import { registerComplete, registerCompletion } from './commands/completion.ts';
import { registerControl } from './commands/control.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExplain } from './commands/explain.ts';
import { registerKeys } from './commands/keys.ts';
import { registerLint } from './commands/lint.ts';
import { registerRender } from './commands/render.ts';
import { registerSchema } from './commands/schema.ts';
import { registerUp } from './commands/up.ts';
import { registerUsers } from './commands/users.ts';
import { registerVersion } from './commands/version.ts';
import type { CliContext } from './context.ts';
import { readVersion } from '../lib/version.ts';

/** The command table, in the order of the help. */
const commands: readonly RegisterCommand[] = [
  registerUp,
  registerControl,
  registerCheck,
  registerCerts,
  registerKeys,
  registerUsers,
  registerClient,
  registerRender,
  registerLint,
  registerDoctor,
  registerSchema,
  registerExplain,
  registerCompletion,
  registerVersion,
  registerComplete,
];

const introduction = `breakwater: the secure front door for MCP servers

  breakwater up 8000                              https://localhost:8443/mcp for port 8000
  breakwater up 8000 --auth key                   the same, for holders of an API key
  breakwater up 8000 --auth key --domain mcp.example.com --accept-terms   https://mcp.example.com/mcp
  breakwater check --print                        what the configuration means, value by value
  breakwater explain E_CONFIG_UPSTREAM            what an error means and what to do
`;

/** Builds the tree of commands. Nothing in it ends the process: every way out is a thrown CommanderError or a finished `run`. */
export function buildProgram(context: CliContext, run: Run): Command {
  const { stdout, stderr } = context.io;
  const program = new Command('breakwater')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => (context.json ? undefined : stderr.write(text)),
      // Usage errors are told by the one renderer of all errors.
      outputError: () => undefined,
      getOutHelpWidth: () => stdout.columns,
      getErrHelpWidth: () => stderr.columns,
    })
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .version(readVersion(), '-V, --version', 'show the version')
    .option('--json', 'one JSON object on standard output, one line on failure')
    .option('--debug', 'show stack traces of unexpected failures')
    .addOption(new Option('--color <WHEN>', 'colour on standard error').choices(['auto', 'always', 'never']))
    .addHelpText('before', introduction);
  for (const register of commands) register(program, run);
  return program;
}
