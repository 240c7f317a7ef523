import { fileURLToPath } from 'node:url';

const executable = process.env['BREAKWATER_EXECUTABLE'];
const script = fileURLToPath(new URL('../../bin/breakwater.js', import.meta.url));

/** True when the tests run the single executable instead of the Node build. */
export const isExecutable: boolean = executable !== undefined && executable !== '';

/** How the program under test is started: the built package, or the executable that `BREAKWATER_EXECUTABLE` names. */
export function buildGatewayCommand(
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): { command: string; args: string[] } {
  if (executable !== undefined && executable !== '') return { command: executable, args: [...args] };
  return { command: process.execPath, args: [...nodeFlags, script, ...args] };
}

/** The environment for it: without the names that steer tests, which it would call unknown settings. */
export function buildGatewayEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('BREAKWATER_')));
}
