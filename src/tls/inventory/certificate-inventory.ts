import { join } from 'node:path';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { readFileIfThere } from '../../lib/read-if-there.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { listDirectory } from '../../state/directory.ts';
import { fromFolderName, toFolderName } from '../automation/certificate-name.ts';
import { emptyRecord, parseRenewalRecord, type RenewalRecord } from '../automation/renewal-record.ts';
import { toRenewalTime } from '../automation/renewal-schedule.ts';
import type { CertificatePaths } from '../files/certificate-files.ts';
import { parseCertificates } from '../files/key-pair.ts';
import { toFacts } from '../tls-material.ts';
import type { KnownCertificate } from './known-certificate.ts';

export interface InventoryOptions {
  /** Absolute. */
  readonly stateDir: string;
  /** Certificate files of the user. Absolute paths. */
  readonly files: readonly Pick<CertificatePaths, 'cert' | 'key'>[];
}

/**
 * Everything that is known of certificates, read and not touched: damaged files stay where they are, for the gateway to set
 * aside. Rejects with a GatewayError (E_STATE_UNWRITABLE) when the state directory may not be read.
 */
export async function listCertificates(options: InventoryOptions): Promise<readonly KnownCertificate[]> {
  const { stateDir, files } = options;
  const names = await listStoredNames(stateDir);
  const [own, stored, local] = await Promise.all([
    Promise.all(files.map(readFiles)),
    Promise.all(names.map((name) => readStored(stateDir, name))),
    readLocal(stateDir),
  ]);
  return [...own, ...stored, ...local];
}

/** The record of renewing a certificate; an empty one when there is none. Fails with the reason. */
export async function readRenewalRecord(
  stateDir: string,
  name: string,
): Promise<Result<RenewalRecord, Diagnostic>> {
  const path = join(toFolder(stateDir, name), 'renewal.json');
  const text = await readText(path);
  if (text === undefined) return ok(emptyRecord);
  if (!text.ok) return text;
  const record = parseRenewalRecord(text.value);
  return record.ok ? record : damaged(path, record.error);
}

/** Absolute path of the file with key and chain of a certificate that was obtained for a name. */
function toStoredFile(stateDir: string, name: string): string {
  return join(toFolder(stateDir, name), 'certificate.pem');
}

async function listStoredNames(stateDir: string): Promise<readonly string[]> {
  const hint = 'run the command as the user that runs Breakwater';
  const entries = await listDirectory(join(stateDir, 'certificates'), { hint });
  return entries
    .flatMap((entry) => (entry.isDirectory() ? [fromFolderName(entry.name)] : []))
    .filter((name) => name !== undefined)
    .toSorted();
}

async function readStored(stateDir: string, name: string): Promise<KnownCertificate> {
  const file = toStoredFile(stateDir, name);
  const [certificates, record] = await Promise.all([
    readCertificates(file),
    readRenewalRecord(stateDir, name),
  ]);
  const problem = [certificates, record].find((read) => !read.ok)?.error;
  const [leaf, ...intermediates] = certificates.ok ? certificates.value : [];
  const { window, earlyRenewals } = record.ok ? record.value : emptyRecord;
  const validity = leaf && toFacts(leaf);
  return {
    name,
    origin: 'acme',
    certificates: leaf === undefined ? [] : [leaf, ...intermediates],
    files: { certificate: file, key: file },
    renewsAt:
      validity &&
      toRenewalTime({
        validity,
        window: window?.serialNumber === validity.serialNumber ? window : undefined,
        earlyRenewals,
      }),
    record: record.ok ? record.value : undefined,
    problem,
  };
}

async function readFiles({ cert, key }: Pick<CertificatePaths, 'cert' | 'key'>): Promise<KnownCertificate> {
  const certificates = await readCertificates(cert);
  const given = certificates.ok ? certificates.value : [];
  // Users' files come in any order.
  const leaf = given.find(({ ca }) => !ca) ?? given[0];
  const found = leaf === undefined ? [] : [leaf, ...given.filter((certificate) => certificate !== leaf)];
  const missing =
    certificates.ok && leaf === undefined ? damaged(cert, 'it does not exist').error : undefined;
  return {
    name: (leaf === undefined ? undefined : toFacts(leaf).names[0]) ?? cert,
    origin: 'files',
    certificates: found,
    files: { certificate: cert, key },
    renewsAt: undefined,
    record: undefined,
    problem: certificates.ok ? missing : certificates.error,
  };
}

/** The certificate of the local authority, and the authority; neither where it was never used. */
async function readLocal(stateDir: string): Promise<readonly KnownCertificate[]> {
  const directory = join(stateDir, 'local-ca');
  const leafFile = join(directory, 'leaf.pem');
  const authorityFile = join(directory, 'ca.pem');
  const [leaf, authority] = await Promise.all([readCertificates(leafFile), readCertificates(authorityFile)]);
  const entries: KnownCertificate[] = [];
  for (const [origin, file, read] of [
    ['local-ca', leafFile, leaf],
    ['authority', authorityFile, authority],
  ] as const) {
    const [first] = read.ok ? read.value : [];
    if (read.ok && first === undefined) continue;
    const validity = first && toFacts(first);
    entries.push({
      name: origin === 'authority' ? 'local-ca' : (validity?.names[0] ?? 'localhost'),
      origin,
      certificates: first === undefined ? [] : [first],
      files: {
        certificate: file,
        key: origin === 'authority' ? join(directory, 'ca-key.pem') : file,
      },
      renewsAt:
        origin === 'authority' || validity === undefined
          ? undefined
          : validity.notBefore + ((validity.notAfter - validity.notBefore) * 2) / 3,
      record: undefined,
      problem: read.ok ? undefined : read.error,
    });
  }
  return entries;
}

/** An empty list when the file is not there. */
async function readCertificates(path: string): Promise<ReturnType<typeof parseCertificates>> {
  const text = await readText(path);
  if (text === undefined) return ok([]);
  return text.ok ? parseCertificates({ file: path, text: text.value }) : text;
}

/** Undefined when the file is not there. */
async function readText(path: string): Promise<Result<string, Diagnostic> | undefined> {
  try {
    const text = await readFileIfThere(path);
    return text === undefined ? undefined : ok(text);
  } catch (error) {
    return damaged(path, explainFileError(error));
  }
}

function damaged(file: string, reason: string): { readonly ok: false; readonly error: Diagnostic } {
  const message = `\`${file}\` cannot be used: ${reason}`;
  return fail({ severity: 'error', code: 'E_CERT_STATE', message, file });
}

function toFolder(stateDir: string, name: string): string {
  const folder = toFolderName(name);
  if (folder !== undefined) return join(stateDir, 'certificates', folder);
  throw new GatewayError('E_CERT_UNKNOWN', `\`${name}\` is no name that a certificate can be for`);
}
