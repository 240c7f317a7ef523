import type { X509Certificate } from 'node:crypto';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { toRevocationLists } from '../handshake/client-certificates.ts';
import { toFacts, toOneLine } from '../tls-material.ts';
import type { RevocationList } from '../x509/revocation-list.ts';
import { createFileLook, type FileLook, type FileReading } from './file-look.ts';
import { parseCertificates } from './key-pair.ts';
import { isTruncated } from './pem.ts';
import { readTextFile, type NamedText } from './text-file.ts';

/** Absolute paths of PEM files: the authorities that sign for clients, and their revocation lists. */
export interface ClientAuthorityPaths {
  readonly ca: string;
  readonly crl: string | undefined;
}

export interface ClientAuthorities {
  /** PEM. */
  readonly ca: string;
  /** PEM. */
  readonly crl: string | undefined;
  /** Wall-clock milliseconds from which on the revocation lists let nobody in; undefined when they do not end. */
  readonly crlEnds: number | undefined;
  readonly warnings: readonly Diagnostic[];
}

/** Lists of authorities with a hundred thousand clients have a few mebibytes. */
const crlMebibytes = 32;

/** Loads both files whenever their contents have changed. The argument of a look is the wall-clock time in milliseconds. */
export function createClientAuthoritySource(
  paths: ClientAuthorityPaths,
): (now: number) => Promise<FileLook<ClientAuthorities>> {
  return createFileLook((now) => readClientAuthorities(paths, now));
}

/** What is told when the lists that are in use are over; OpenSSL refuses every client then. */
export function toExpiredListError(file: string, ended: number): Diagnostic {
  return listError(file, `the revocation list is over since ${new Date(ended).toISOString()}`);
}

async function readClientAuthorities(
  paths: ClientAuthorityPaths,
  now: number,
): Promise<FileReading<ClientAuthorities>> {
  const [ca, crl] = await Promise.all([
    readTextFile({ path: paths.ca, what: 'client authority' }),
    paths.crl === undefined
      ? ok(undefined)
      : readTextFile({ path: paths.crl, what: 'revocation list', mebibytes: crlMebibytes }),
  ]);
  if (!ca.ok || !crl.ok) {
    const errors = [ca, crl].flatMap((result) => (result.ok ? [] : [result.error]));
    return { contents: errors.map(({ message }) => message), parse: () => fail(errors) };
  }
  return {
    contents: [ca.value.text, crl.value?.text ?? ''],
    parse: () => parseClientAuthorities({ ca: ca.value, crl: crl.value, now }),
  };
}

async function parseClientAuthorities(input: {
  readonly ca: NamedText;
  readonly crl: NamedText | undefined;
  readonly now: number;
}): Promise<Result<ClientAuthorities, readonly Diagnostic[]>> {
  const { ca, crl, now } = input;
  const certificates = parseCertificates(ca);
  if (!certificates.ok) return fail([certificates.error]);
  const authorities = certificates.value;
  const notAuthorities = authorities.filter((certificate) => !certificate.ca);
  if (notAuthorities.length > 0) {
    return fail(
      notAuthorities.map(({ subject }) => ({
        severity: 'error',
        code: 'E_TLS_CLIENT_AUTHORITY',
        message: `\`${toOneLine(subject)}\` is no certificate authority`,
        file: ca.file,
      })),
    );
  }
  const lists = crl === undefined ? ok([]) : await parseLists({ crl, authorities, now });
  if (!lists.ok) return lists;
  const ends = lists.value.flatMap(({ nextUpdate }) => (nextUpdate === undefined ? [] : [nextUpdate]));
  return ok({
    // Remarks and private keys that stand in the file too are left out.
    ca: authorities.map((certificate) => certificate.toString()).join(''),
    crl: crl?.text,
    crlEnds: ends.length === 0 ? undefined : Math.min(...ends),
    warnings: authorities.flatMap((certificate) => diagnoseValidity(certificate, { file: ca.file, now })),
  });
}

/**
 * OpenSSL wants a current list of every authority on the way to a root, else it refuses the client. What would end so is an error
 * here, where somebody reads it.
 */
async function parseLists(input: {
  readonly crl: NamedText;
  readonly authorities: readonly X509Certificate[];
  readonly now: number;
}): Promise<Result<readonly RevocationList[], readonly Diagnostic[]>> {
  const { crl, authorities, now } = input;
  const { file } = crl;
  const texts = toRevocationLists(crl.text);
  if (texts.length === 0 || isTruncated(crl.text)) {
    return fail([listError(file, 'the file holds no whole revocation list in PEM')]);
  }
  const { parseRevocationList } = await import('../x509/revocation-list.ts');
  const errors: Diagnostic[] = [];
  const lists: RevocationList[] = [];
  const covered = new Set<X509Certificate>();
  for (const [index, text] of texts.entries()) {
    const which = `revocation list ${index + 1}`;
    const list = parseRevocationList(text);
    if (list === undefined) {
      errors.push(listError(file, `${which} is damaged`));
      continue;
    }
    const signers = await findSigners(list, authorities);
    if (signers.length === 0) errors.push(listError(file, `${which} is signed by no client authority`));
    else if (list.nextUpdate !== undefined && now >= list.nextUpdate) {
      errors.push(listError(file, `${which} is over since ${new Date(list.nextUpdate).toISOString()}`));
    }
    lists.push(list);
    for (const signer of signers) covered.add(signer);
  }
  for (const authority of authorities) {
    if (covered.has(authority)) continue;
    errors.push(listError(file, `there is no revocation list of \`${toOneLine(authority.subject)}\``));
  }
  return errors.length === 0 ? ok(lists) : fail(errors);
}

async function findSigners(
  list: RevocationList,
  authorities: readonly X509Certificate[],
): Promise<readonly X509Certificate[]> {
  const signers: X509Certificate[] = [];
  for (const authority of authorities) if (await list.isSignedBy(authority)) signers.push(authority);
  return signers;
}

function diagnoseValidity(
  certificate: X509Certificate,
  { file, now }: { readonly file: string; readonly now: number },
): readonly Diagnostic[] {
  const { notAfter, notBefore } = toFacts(certificate);
  if (now >= notBefore && now <= notAfter) return [];
  const state = now > notAfter ? 'has expired' : 'is not valid yet';
  return [
    {
      severity: 'warning',
      code: 'E_TLS_CLIENT_AUTHORITY',
      message: `the client authority \`${toOneLine(certificate.subject)}\` ${state}, so its clients are refused`,
      file,
    },
  ];
}

function listError(file: string, message: string): Diagnostic {
  return { severity: 'error', code: 'E_TLS_REVOCATION_LIST', message, file };
}
