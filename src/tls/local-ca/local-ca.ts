import { createPrivateKey, generateKeyPair, randomBytes, X509Certificate, type KeyObject } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { localNameConstraints } from '../../lib/local-names.ts';
import { readFileIfThere } from '../../lib/read-if-there.ts';
import { createDirectoryAtomically, ensurePrivateDirectory } from '../../state/directory.ts';
import { serverAuthentication, toKeyIdentifier, type DistinguishedName } from '../x509/certificate-fields.ts';

/** The certificate authority that signs for names of this machine and its network only. */
export interface LocalAuthority {
  readonly name: DistinguishedName;
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
  /** Absolute directory of all its files, mode 0700. */
  readonly directory: string;
  /** Absolute path of the certificate that clients have to trust. */
  readonly certificateFile: string;
}

export interface LocalAuthorityOptions {
  /** Absolute path; created when missing. */
  readonly stateDir: string;
  /** Wall-clock milliseconds. */
  readonly now: number;
}

const certificateName = 'ca.pem';
const keyName = 'ca-key.pem';
const hour = 3_600_000;
const lifetime = 3652 * 24 * hour;

const generateKeys = promisify(generateKeyPair);

/** A fresh P-256 key pair. */
export function createKeyPair(): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return generateKeys('ec', { namedCurve: 'P-256' });
}

/**
 * Loads the authority, or creates it on first use. Two processes may come first at the same time:
 * key and certificate appear together in one rename, and whoever loses takes what the winner made.
 * Throws a GatewayError: E_STATE_UNWRITABLE, or E_TLS_STATE when the stored files cannot be used.
 */
export async function loadLocalAuthority(options: LocalAuthorityOptions): Promise<LocalAuthority> {
  const directory = join(options.stateDir, 'local-ca');
  const stored = await readAuthority(directory);
  if (stored !== undefined) return checkAuthority(directory, stored, options.now);

  await ensurePrivateDirectory(dirname(directory));
  await createDirectoryAtomically(directory, await buildAuthority(options.now));
  const created = await readAuthority(directory);
  if (created === undefined) throw damaged(directory, 'it was removed while it was created');
  return checkAuthority(directory, created, options.now);
}

interface StoredAuthority {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Returns undefined when nothing is stored at all; one file without the other is damage. The key is looked at first and,
 * when it is missing, last as well: another process may create both in between.
 */
async function readAuthority(directory: string): Promise<StoredAuthority | undefined> {
  const early = await readAuthorityFile(join(directory, keyName));
  const certificate = await readAuthorityFile(join(directory, certificateName));
  if (early === undefined && certificate === undefined) return undefined;
  const key = early ?? (await readAuthorityFile(join(directory, keyName)));
  if (certificate === undefined) throw damaged(directory, `\`${certificateName}\` is missing`);
  if (key === undefined) throw damaged(directory, `\`${keyName}\` is missing`);
  return { certificate, key };
}

/** The text of a file of the authority; undefined when there is none. Throws a GatewayError E_STATE_UNWRITABLE. */
export async function readAuthorityFile(path: string): Promise<string | undefined> {
  try {
    return await readFileIfThere(path);
  } catch (cause) {
    throw new GatewayError('E_STATE_UNWRITABLE', `cannot read \`${path}\`: ${explainFileError(cause)}`, {
      cause,
    });
  }
}

function checkAuthority(directory: string, stored: StoredAuthority, now: number): LocalAuthority {
  const certificate = parseStored(directory, certificateName, () => new X509Certificate(stored.certificate));
  const key = parseStored(directory, keyName, () => createPrivateKey(stored.key));
  if (!certificate.checkPrivateKey(key)) throw damaged(directory, 'its key and its certificate do not match');
  if (!certificate.ca)
    throw damaged(directory, `\`${certificateName}\` is not the certificate of an authority`);
  checkValidity(directory, certificate, now);
  return {
    name: buildAuthorityName(certificate.publicKey),
    certificate,
    key,
    directory,
    certificateFile: join(directory, certificateName),
  };
}

/** Throws E_TLS_STATE outside the authority's life: what it signs then, nobody accepts. */
export function checkValidity(directory: string, certificate: X509Certificate, now: number): void {
  const from = certificate.validFromDate;
  const to = certificate.validToDate;
  if (now >= to.getTime()) throw damaged(directory, `it expired on ${to.toISOString()}`);
  if (now < from.getTime()) {
    throw new GatewayError(
      'E_TLS_STATE',
      `the local certificate authority in \`${directory}\` was made on ${from.toISOString()}, which this machine's clock has not reached`,
      { hint: 'set the clock of this machine' },
    );
  }
}

async function buildAuthority(now: number): Promise<{ name: string; data: string; mode: number }[]> {
  const { buildCertificate } = await import('../x509/x509-builder.ts');
  const { publicKey, privateKey } = await createKeyPair();
  const name = buildAuthorityName(publicKey);
  const certificate = await buildCertificate({
    serialNumber: createSerialNumber(),
    issuer: name,
    subject: name,
    notBefore: now - hour,
    notAfter: now - hour + lifetime,
    publicKey,
    signingKey: privateKey,
    basicConstraints: { ca: true, pathLength: 0 },
    extendedKeyUsage: [serverAuthentication],
    nameConstraints: localNameConstraints,
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return [
    { name: keyName, data: key, mode: 0o600 },
    { name: certificateName, data: certificate, mode: 0o644 },
  ];
}

/** The name follows from the key, so that two authorities in one trust store are told apart. */
function buildAuthorityName(publicKey: KeyObject): DistinguishedName {
  const mark = toKeyIdentifier(publicKey).toString('hex').slice(0, 8);
  return { organization: 'Breakwater', commonName: `Breakwater local CA ${mark}` };
}

/** 127 random bits: positive, and never leading with a zero byte that would have to be dropped (RFC 5280 section 4.1.2.2). */
export function createSerialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function parseStored<T>(directory: string, name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw damaged(directory, `\`${name}\` is not what was written`, cause);
  }
}

function damaged(directory: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError(
    'E_TLS_STATE',
    `the local certificate authority in \`${directory}\` cannot be used: ${reason}`,
    {
      cause,
      hint: `restore \`${directory}\`, or remove it to get a new authority and trust that one again`,
    },
  );
}
