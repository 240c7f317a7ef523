import type { Config } from '../config/config.ts';
import { withStoredKeys } from '../config/keys.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { fitConnections, readDescriptorLimit } from './descriptor-limit.ts';
import { withHandedSockets, type HandedSocket } from './listening/handed-sockets.ts';
import { findOpenDoor } from './open-door.ts';

/** A configuration, and what the command line says of it. */
export interface WantedConfig {
  readonly config: Config;
  /** `--auth` of the command line: `key` loads the stored key or makes one. */
  readonly authRequested: 'key' | 'oauth' | 'none' | undefined;
}

/** The configuration as this machine can have it, unless it leaves a door open to everyone. */
export async function resolveWantedConfig(
  wanted: WantedConfig,
  handed: readonly HandedSocket[],
): Promise<
  Result<{ readonly config: Config; readonly warnings: readonly Diagnostic[] }, readonly Diagnostic[]>
> {
  const listening = withHandedSockets(wanted.config, handed);
  if (!listening.ok) return listening;
  const asked = wanted.authRequested === 'key' ? withStoredKeys(listening.value) : listening.value;
  const limit = await readDescriptorLimit();
  // Each worker may open as many.
  const { config, warning } = fitConnections(asked, limit === undefined ? undefined : limit * asked.workers);
  const openDoor = findOpenDoor(config);
  if (openDoor !== undefined) return fail([openDoor]);
  return ok({ config, warnings: warning === undefined ? [] : [warning] });
}

/** What of a configuration cannot take the place of another while the gateway runs. */
export function findUnchangeable(before: Config, next: Config): Diagnostic | undefined {
  if (before.stateDir === next.stateDir) return undefined;
  return {
    severity: 'error',
    code: 'E_RELOAD_REFUSED',
    message: `\`state_dir\` cannot become \`${next.stateDir}\` while the gateway runs`,
  };
}
