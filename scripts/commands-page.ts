import type { Command } from 'commander';
import type { CliIo, Output } from '../src/cli/io.ts';
import { createContext } from '../src/cli/context.ts';
import { buildProgram } from '../src/cli/program.ts';

const COLUMNS = 110;

const introduction = `# Commands

What \`breakwater COMMAND --help\` says, for all commands. What a command gives goes to standard output, all words about it to standard error.

| for every command | |
|---|---|
| \`--json\` | one JSON object on standard output, and one line of JSON where it fails |
| \`--debug\` | stack traces of unexpected failures |
| \`--color auto\\|always\\|never\` | colour on standard error; \`NO_COLOR\` and \`FORCE_COLOR\` count as well |

| exit code | |
|---:|---|
| 0 | done |
| 1 | an unexpected failure, which is a defect |
| 2 | the command line, the configuration or a file it names is wrong |
| 3 | a credential was refused |
| 4 | something that is needed could not be reached |
| 5 | a check found something |
| 6 | refused, because it would be dangerous |
`;

/** The page of the command line; its words are those of `--help`. */
export function buildCommandsPage(): string {
  const page: string[] = [];
  const screen: Output = {
    write: (text) => void page.push(text),
    isTerminal: false,
    columns: COLUMNS,
    hasColors: false,
  };
  const io: CliIo = {
    stdout: screen,
    stderr: screen,
    env: {},
    cwd: '/',
    unicode: true,
    readFile: () => Promise.reject(new Error('nothing is read for a page')),
  };
  const program = buildProgram(createContext([], io), () => Promise.resolve());
  const sections = listCommands(program).map((command) => {
    page.length = 0;
    command.configureHelp({ showGlobalOptions: false }).outputHelp();
    // The introduction of the program stands before the help of each of its commands.
    const text = page.join('').replace(/^[^]*?(?=Usage: )/, '');
    return `## ${toName(command)}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  });
  return `${introduction}\n${sections.join('\n')}`;
}

/** The commands that do something, in the order of the help. */
function listCommands(command: Command): readonly Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((child) => (child.commands.length > 0 ? listCommands(child) : [child]));
}

function toName(command: Command): string {
  return command.parent === null ? command.name() : `${toName(command.parent)} ${command.name()}`;
}
