import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { readFileIfThere } from '../../lib/read-if-there.ts';
import { ensurePrivateDirectory, listDirectory, writeFileAtomically } from '../../state/directory.ts';
import { acquireLock, type Lock, type LockOptions } from '../../state/lock.ts';
import { fromFolderName, toFolderName } from './certificate-name.ts';
import type { IssuedCertificate } from './issuer.ts';
import { emptyRecord, parseRenewalRecord, toRecordText, type RenewalRecord } from './renewal-record.ts';
import { parseStoredCertificate, toStoredText } from './stored-certificate.ts';
import type { TlsMaterial } from '../tls-material.ts';

/** What is stored for one name. */
export interface StoredCertificate {
  readonly material: TlsMaterial | undefined;
  readonly record: RenewalRecord;
  /** Damage that was found; the damaged files are set aside. */
  readonly problems: readonly Diagnostic[];
}

/**
 * The certificates of a state directory: `certificates/<folder>/certificate.pem` (key and chain, mode 0600) and
 * `renewal.json`. What writes rejects with a GatewayError (E_STATE_UNWRITABLE); damage never rejects.
 */
export interface CertificateVault {
  load(name: string): Promise<StoredCertificate>;
  loadRecord(name: string): Promise<RenewalRecord>;
  store(name: string, certificate: IssuedCertificate): Promise<void>;
  storeRecord(name: string, record: RenewalRecord): Promise<void>;
  /** Makes sure that a certificate could be stored: to be called before one is ordered. Creates the folder. */
  checkWritable(name: string): Promise<void>;
  /** Removes what processes left behind that died while they wrote; never rejects. */
  sweep(name: string): Promise<void>;
  /** Changes when the stored certificate was replaced; cheap. Undefined when there is none. */
  readStamp(name: string): Promise<string | undefined>;
  /** Names that a folder exists for, in the order of the alphabet. Rejects with a GatewayError (E_STATE_UNWRITABLE). */
  list(): Promise<readonly string[]>;
  /** Waits for the lock around attempts; see `acquireLock`. */
  lock(name: string, options: VaultLockOptions): Promise<Lock>;
  /** Calls when another replica has stored something; returns how to stop. Absent where there are none. */
  readonly watch?: (onStored: () => void) => () => void;
}

export type VaultLockOptions = Omit<LockOptions, 'path'>;

const certificateFile = 'certificate.pem';
const recordFile = 'renewal.json';
/** More than a certificate, its chain and the record take. */
const probeSize = 32_768;
const leftoverAge = 3_600_000;

/** The vault of a state directory. For a name that no certificate can be for it throws or rejects with a GatewayError (E_CERT_UNKNOWN). */
export function createCertificateVault(stateDir: string): CertificateVault {
  const directory = join(stateDir, 'certificates');
  const toFolder = (name: string): string => {
    const folder = toFolderName(name);
    if (folder !== undefined) return join(directory, folder);
    throw new GatewayError('E_CERT_UNKNOWN', `\`${name}\` is no name that a certificate can be for`);
  };

  const loadRecord = async (name: string): Promise<Loaded<RenewalRecord>> => {
    const file = join(toFolder(name), recordFile);
    const text = await readText(file);
    if (!text.found) return { value: emptyRecord, problems: text.problems };
    const parsed = parseRenewalRecord(text.value);
    if (parsed.ok) return { value: parsed.value, problems: [] };
    return { value: emptyRecord, problems: [await setAside(file, parsed.error)] };
  };

  const loadMaterial = async (name: string): Promise<Loaded<TlsMaterial | undefined>> => {
    const file = join(toFolder(name), certificateFile);
    const text = await readText(file);
    if (!text.found) return { value: undefined, problems: text.problems };
    const parsed = parseStoredCertificate({ file, text: text.value }, name);
    if (parsed.ok) return { value: parsed.value, problems: [] };
    return { value: undefined, problems: [await setAside(file, parsed.error.message)] };
  };

  return {
    async load(name) {
      const [material, record] = await Promise.all([loadMaterial(name), loadRecord(name)]);
      return {
        material: material.value,
        record: record.value,
        problems: [...material.problems, ...record.problems],
      };
    },
    async loadRecord(name) {
      return (await loadRecord(name)).value;
    },
    async store(name, certificate) {
      const folder = toFolder(name);
      await ensurePrivateDirectory(folder);
      await writeFileAtomically(folder, {
        name: certificateFile,
        data: toStoredText(certificate),
        mode: 0o600,
      });
    },
    async storeRecord(name, record) {
      const folder = toFolder(name);
      await ensurePrivateDirectory(folder);
      await writeFileAtomically(folder, { name: recordFile, data: toRecordText(record), mode: 0o600 });
    },
    async checkWritable(name) {
      const folder = toFolder(name);
      await ensurePrivateDirectory(folder);
      await writeProbe(join(folder, `probe.${randomBytes(6).toString('hex')}.tmp`));
    },
    async sweep(name) {
      const folder = toFolder(name);
      // A folder that cannot be read stays as it is; `load` tells of it.
      const names = await readdir(folder).catch(() => []);
      const left = names.filter((file) => /\.(?:tmp|broken)$/.test(file));
      await Promise.all(left.map((file) => removeIfOld(join(folder, file))));
    },
    async readStamp(name) {
      try {
        const { mtimeMs, size, ino } = await stat(join(toFolder(name), certificateFile));
        return `${mtimeMs} ${size} ${ino}`;
      } catch {
        return undefined;
      }
    },
    async list() {
      const entries = await listDirectory(directory);
      return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => fromFolderName(entry.name))
        .filter((name) => name !== undefined)
        .toSorted();
    },
    lock: (name, options) => acquireLock({ ...options, path: join(toFolder(name), 'lock') }),
  };
}

interface Loaded<T> {
  readonly value: T;
  readonly problems: readonly Diagnostic[];
}

type ReadText =
  | { readonly found: true; readonly value: string }
  | { readonly found: false; readonly problems: readonly Diagnostic[] };

/** A file that is there and cannot be read may be in order: it is reported, and left where it is. */
async function readText(file: string): Promise<ReadText> {
  try {
    const value = await readFileIfThere(file);
    return value === undefined ? { found: false, problems: [] } : { found: true, value };
  } catch (error) {
    return { found: false, problems: [toProblem(file, `cannot be read: ${explainFileError(error)}`)] };
  }
}

/** A file that is being written is seconds old. What cannot be removed does no harm. */
async function removeIfOld(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > leftoverAge) await rm(path, { force: true });
  } catch {
    // Gone meanwhile, or not ours to remove.
  }
}

async function setAside(file: string, reason: string): Promise<Diagnostic> {
  try {
    await rename(file, `${file}.damaged`);
    return toProblem(file, `is set aside as \`.damaged\`: ${reason}`);
  } catch (error) {
    return toProblem(file, `is damaged (${reason}) and cannot be set aside: ${explainFileError(error)}`);
  }
}

function toProblem(file: string, what: string): Diagnostic {
  return { severity: 'warning', code: 'E_CERT_STATE', message: `\`${file}\` ${what}`, file };
}

async function writeProbe(path: string): Promise<void> {
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(randomBytes(probeSize));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    const message = `certificates cannot be stored at \`${path}\`: ${explainFileError(error)}`;
    throw new GatewayError('E_STATE_UNWRITABLE', message, { cause: error });
  } finally {
    // Where it could not be made it cannot be removed, and the failure is on its way already.
    await rm(path, { force: true }).catch(() => undefined);
  }
}
