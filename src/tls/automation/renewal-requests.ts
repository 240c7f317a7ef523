import { watch, type FSWatcher } from 'node:fs';
import { access, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, hasCode } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { ensurePrivateDirectory, listDirectory, writeFileAtomically } from '../../state/directory.ts';
import { fromFolderName, toFolderName } from './certificate-name.ts';

/**
 * Asks the process that works on a state directory to renew a certificate: a file in `renewal-requests/`, named like the
 * folder of the certificate, which that process removes when it begins. Rejects with a GatewayError (E_STATE_UNWRITABLE,
 * or E_CERT_UNKNOWN for what is no name).
 */
export async function requestRenewal(stateDir: string, name: string): Promise<void> {
  const folder = toFolderName(name);
  if (folder === undefined) {
    throw new GatewayError('E_CERT_UNKNOWN', `\`${name}\` is no name that a certificate can be for`);
  }
  const directory = toDirectory(stateDir);
  await ensurePrivateDirectory(directory);
  await writeFileAtomically(directory, { name: folder, data: '', mode: 0o600 });
}

/** True until a process has taken the request up. */
export async function isRenewalRequested(stateDir: string, name: string): Promise<boolean> {
  try {
    await access(join(toDirectory(stateDir), toFolderName(name) ?? ''));
    return true;
  } catch {
    return false;
  }
}

/** The receiving end. */
export interface RenewalRequests {
  /** Creates the directory, so that it can be watched. */
  prepare(): Promise<void>;
  /**
   * Takes up the requests for which `isOurs` holds; one look at a directory when there are none. Rejects with a GatewayError
   * (E_STATE_UNWRITABLE) where it may not be read; what is asked for there is taken up once it may.
   */
  take(isOurs: (name: string) => boolean): Promise<readonly string[]>;
  close(): void;
}

/** Calls `onRequest` when there may be one, where the system tells; it need not. */
export function openRenewalRequests(stateDir: string, onRequest: () => void): RenewalRequests {
  const directory = toDirectory(stateDir);
  let watcher: FSWatcher | undefined;
  let seen: number | undefined;
  let closed = false;

  const arm = (): void => {
    if (watcher !== undefined || closed) return;
    try {
      watcher = watch(directory, { persistent: false }, onRequest);
      watcher.on('error', () => {
        watcher?.close();
        watcher = undefined;
      });
    } catch {
      // Not there yet, or nothing can be watched: the regular look has to do.
    }
  };
  return {
    async prepare() {
      // On a disk that cannot be written there are no requests either.
      await ensurePrivateDirectory(directory).catch(() => undefined);
      arm();
    },
    async take(isOurs) {
      const changed = await readChange(directory);
      if (changed === undefined || changed === seen) return [];
      arm();
      const names = (await listDirectory(directory))
        .map(({ name: folder }) => ({ folder, name: fromFolderName(folder) }))
        .filter(({ name }) => name !== undefined && isOurs(name));
      const taken = await Promise.all(names.map(({ folder }) => remove(join(directory, folder))));
      // What came within the same tick of the file system's clock must be seen by the next look.
      seen = Date.now() - changed > 1000 ? changed : undefined;
      return names.flatMap(({ name }, index) => (taken[index] === true && name !== undefined ? [name] : []));
    },
    close() {
      closed = true;
      watcher?.close();
      watcher = undefined;
    },
  };
}

function toDirectory(stateDir: string): string {
  return join(stateDir, 'renewal-requests');
}

async function readChange(directory: string): Promise<number | undefined> {
  try {
    return (await stat(directory)).mtimeMs;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined;
    const message = `cannot read \`${directory}\`: ${explainFileError(cause)}`;
    throw new GatewayError('E_STATE_UNWRITABLE', message, { cause });
  }
}

/**
 * Only one of several processes succeeds; and a request that cannot be removed is not followed, or it would be for ever.
 */
async function remove(path: string): Promise<boolean> {
  try {
    await rm(path);
    return true;
  } catch {
    return false;
  }
}
