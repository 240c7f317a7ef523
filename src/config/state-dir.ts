import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './overlay.ts';

/** Where state goes when no setting says so: systemd's `STATE_DIRECTORY`, else the XDG directory, whose relative paths are void. */
export function defaultStateDir(environment: Environment, cwd: string): string {
  const [systemd] = (environment['STATE_DIRECTORY'] ?? '').split(':');
  if (systemd !== undefined && systemd !== '') return resolve(cwd, systemd);
  const xdg = environment['XDG_STATE_HOME'] ?? '';
  if (isAbsolute(xdg)) return join(xdg, 'breakwater');
  const home = environment['HOME'] ?? '';
  return join(isAbsolute(home) ? home : homedir(), '.local', 'state', 'breakwater');
}
