import { resolve } from 'node:path';
import type { CertificateFilesConfig } from '../../config/tls-config.ts';
import { defaultFile, loadConfig } from '../../config/load.ts';
import type { StateConfig } from '../../config/state-config.ts';
import { defaultStateDir } from '../../config/state-dir.ts';
import { readState } from '../../config/state-from-environment.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { hasCode } from '../../lib/file-errors.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { CliContext } from '../context.ts';

export interface CertsOptions {
  /** `--config`. */
  readonly file?: string;
  /** `--state-dir`. */
  readonly stateDir?: string;
}

/** Where a command looks for certificates. */
export interface CertsSource {
  /** Absolute. */
  readonly stateDir: string;
  readonly files: readonly CertificateFilesConfig[];
  /** Where keys, accounts and logins are. */
  readonly state: StateConfig;
}

/**
 * The state directory and the certificate files that the gateway uses. The configuration is read when it is named, or lies
 * in the working directory while no state directory is named; so a directory can be looked at without any configuration.
 */
export async function findSource(
  options: CertsOptions,
  { io }: CliContext,
): Promise<Result<CertsSource, readonly Diagnostic[]>> {
  const { file, stateDir } = options;
  const { env, cwd, readFile } = io;
  if (file === undefined && (stateDir !== undefined || !(await hasDefaultFile(io)))) {
    const named = stateDir ?? env['BREAKWATER_STATE_DIR'];
    return ok({
      stateDir: named === undefined || named === '' ? defaultStateDir(env, cwd) : resolve(cwd, named),
      files: [],
      state: readState(env),
    });
  }
  const loaded = await loadConfig({
    ...(file === undefined ? {} : { file }),
    env,
    flags: stateDir === undefined ? {} : { stateDir },
    cwd,
    readFile,
  });
  if (!loaded.ok) return loaded;
  const { config } = loaded.value;
  return ok({ stateDir: config.stateDir, files: config.tls.files, state: config.state });
}

/** A file that is there and cannot be read counts: what is wrong with it has to be told. */
async function hasDefaultFile({ cwd, readFile }: CliContext['io']): Promise<boolean> {
  try {
    await readFile(resolve(cwd, defaultFile));
    return true;
  } catch (error) {
    return !hasCode(error, 'ENOENT');
  }
}
