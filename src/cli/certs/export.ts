import { lstat, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { explainFileError, hasCode } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { toPrintable } from '../../lib/printable.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';
import { parsePrivateKey } from '../../tls/files/key-pair.ts';
import { listCertificates } from '../../tls/inventory/certificate-inventory.ts';
import type { KnownCertificate } from '../../tls/inventory/known-certificate.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { reportProblems } from '../failure.ts';
import { getCertificate } from './show.ts';
import { findSource, type CertsOptions } from './source.ts';

export interface ExportOptions extends CertsOptions {
  readonly name: string;
  /** Directory, relative to the working directory; `-` is standard output. */
  readonly out: string;
  /** Replaces files that are there. */
  readonly force: boolean;
}

interface ExportedFile {
  readonly name: string;
  readonly data: string;
  readonly mode: number;
}

/**
 * Writes a certificate with its chain, and its private key, in the form that other servers read. The key of the local authority
 * stays where it is. Throws a GatewayError: E_CERT_UNKNOWN, E_CERT_STATE, E_CERT_FILE_EXISTS, E_STATE_UNWRITABLE.
 */
export async function runExport(options: ExportOptions, context: CliContext): Promise<number> {
  const source = await findSource(options, context);
  if (!source.ok) return reportProblems(source.error, context);
  const known = getCertificate(await listCertificates(source.value), options.name);
  const files = await buildFiles(known);
  if (options.out === '-') {
    if (context.json) {
      const contents = Object.fromEntries(files.map(({ name, data }) => [name, data]));
      writeEnvelope(context, 'certs-export', { name: known.name, contents });
    } else context.io.stdout.write(files.map(({ data }) => data).join(''));
    return 0;
  }
  const directory = resolve(context.io.cwd, options.out);
  await ensurePrivateDirectory(directory);
  await writeFiles(directory, files, options.force);
  const paths = files.map(({ name }) => join(directory, name));
  if (context.json) writeEnvelope(context, 'certs-export', { name: known.name, files: paths });
  else context.io.stderr.write(paths.map((path) => `wrote ${path}\n`).join(''));
  return 0;
}

async function buildFiles(known: KnownCertificate): Promise<readonly ExportedFile[]> {
  const { name, origin, certificates, files, problem } = known;
  if (origin === 'files') {
    throw new GatewayError('E_USAGE', `\`${name}\` comes from files that are yours already`, {
      hint: `copy \`${toPrintable(files.certificate)}\` and \`${toPrintable(files.key)}\``,
    });
  }
  if (problem !== undefined) throw new GatewayError('E_CERT_STATE', problem.message);
  if (certificates.length === 0) {
    throw new GatewayError('E_CERT_UNKNOWN', `the certificate for \`${name}\` is still being obtained`, {
      hint: `run \`breakwater certs show ${name}\` to see how far it is`,
    });
  }
  const chain = certificates.map((certificate) => certificate.toString()).join('');
  const cert: ExportedFile = { name: 'cert.pem', data: chain, mode: 0o644 };
  // Against new authorities in other hands: who has this key can sign for every machine that trusts the certificate.
  if (origin === 'authority') return [cert];
  return [cert, { name: 'key.pem', data: await readKey(known), mode: 0o600 }];
}

async function readKey({ files, certificates }: KnownCertificate): Promise<string> {
  const text = await readFile(files.key, 'utf8').catch((cause: unknown) => {
    const message = `cannot read \`${files.key}\`: ${explainFileError(cause)}`;
    throw new GatewayError('E_STATE_UNWRITABLE', message, { cause });
  });
  const key = parsePrivateKey({ file: files.key, text }, undefined);
  if (!key.ok) throw new GatewayError('E_CERT_STATE', key.error.message);
  if (certificates[0]?.checkPrivateKey(key.value) !== true) {
    throw new GatewayError('E_CERT_STATE', 'the certificate was replaced while it was read', {
      hint: 'run the command again',
    });
  }
  return key.value.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function writeFiles(directory: string, files: readonly ExportedFile[], force: boolean): Promise<void> {
  if (force) {
    for (const file of files) await writeFileAtomically(directory, file);
    return;
  }
  for (const { name } of files) {
    const path = join(directory, name);
    if (await isThere(path)) throw alreadyThere(path);
  }
  for (const { name, data, mode } of files) {
    const path = join(directory, name);
    try {
      // `wx` neither replaces a file nor follows a link that somebody put there meanwhile.
      await writeFile(path, data, { flag: 'wx', mode });
    } catch (cause) {
      if (hasCode(cause, 'EEXIST')) throw alreadyThere(path);
      const message = `cannot write \`${path}\`: ${explainFileError(cause)}`;
      throw new GatewayError('E_STATE_UNWRITABLE', message, { cause });
    }
  }
}

function alreadyThere(path: string): GatewayError {
  return new GatewayError('E_CERT_FILE_EXISTS', `\`${path}\` is already there`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    // Not what a link leads to: the link itself is in the way.
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}
