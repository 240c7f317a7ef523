// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the ASN.1 library asks for when it loads
import '@abraham/reflection';
import { createPrivateKey, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate, Extensions, type Extension } from '@peculiar/asn1-x509';
import { localNameConstraints } from '../../src/lib/local-names.ts';
import { createKeyPair, createSerialNumber } from '../../src/tls/local-ca/local-ca.ts';
import { runCommand, type CommandResult, type RunCommand } from '../../src/tls/trust/run-command.ts';
import type { TrustPlatform } from '../../src/tls/trust/trust-platform.ts';
import {
  serverAuthentication,
  toKeyIdentifier,
  type CertificateFields,
} from '../../src/tls/x509/certificate-fields.ts';
import { buildCertificate } from '../../src/tls/x509/x509-builder.ts';

/** A machine in a temporary directory: nothing of the real one is read or changed. */
export interface TrustMachine {
  readonly directory: string;
  readonly home: string;
  readonly root: string;
  readonly stateDir: string;
  readonly platform: TrustPlatform;
  /** Creates an empty file, given by its path below the root directory. */
  install(path: string): Promise<void>;
  clean(): Promise<void>;
}

/** `name` becomes a part of every path, so that paths can be as hostile as names of files may be. */
export async function createTrustMachine(
  platform: Partial<TrustPlatform> = {},
  name = 'machine',
): Promise<TrustMachine> {
  const directory = await mkdtemp(join(tmpdir(), 'breakwater-trust-'));
  const [home, root, stateDir] = ['home', 'root', 'state'].map((part) => join(directory, name, part)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, root, stateDir]) await mkdir(path, { recursive: true });
  return {
    directory,
    home,
    root,
    stateDir,
    platform: { os: 'linux', isRoot: true, home, root, ...platform },
    async install(path) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), '');
    },
    clean: () => rm(directory, { recursive: true }),
  };
}

/** One call of a program, in one line. */
export interface CommandLog {
  readonly calls: string[];
  readonly run: RunCommand;
}

/** Answers instead of programs; a call for which there is no answer is of a program that is not installed. */
export function createCommandLog(
  answer: (command: string, args: readonly string[], input?: string) => Partial<CommandResult> | undefined,
): CommandLog {
  const calls: string[] = [];
  return {
    calls,
    run(command, args, input) {
      calls.push([command, ...args].join(' '));
      const result = answer(command, args, input) ?? { status: 127, stderr: 'ENOENT' };
      return Promise.resolve({ status: 0, stdout: '', stderr: '', ...result });
    },
  };
}

/** Debian's own program, on the directories of the machine instead of the system's. */
export function createDebianRun({ root }: TrustMachine): RunCommand {
  const places = [
    ['--certsconf', 'etc/ca-certificates.conf'],
    ['--certsdir', 'usr/share/ca-certificates'],
    ['--localcertsdir', 'usr/local/share/ca-certificates'],
    ['--etccertsdir', 'etc/ssl/certs'],
    ['--hooksdir', 'etc/ca-certificates/update.d'],
  ].flatMap(([option = '', path = '']) => [option, join(root, path)]);
  return (command, args, input) =>
    command === 'update-ca-certificates'
      ? runCommand('/usr/sbin/update-ca-certificates', [...args, ...places])
      : runCommand(command, args, input);
}

/** Stores an authority as ours is stored, with some of its fields changed. */
export async function writeAuthority(
  stateDir: string,
  change: (fields: CertificateFields) => CertificateFields = (fields) => fields,
): Promise<string> {
  const { publicKey, privateKey } = await createKeyPair();
  const certificate = await buildCertificate(change(buildOwnFields(publicKey, privateKey)));
  const directory = join(stateDir, 'local-ca');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await writeFile(join(directory, 'ca-key.pem'), key, { mode: 0o600 });
  await writeFile(join(directory, 'ca.pem'), certificate);
  return certificate;
}

/** Signs a stored authority anew after its extensions were changed in a way that the builder refuses to make. */
export async function resignAuthority(
  stateDir: string,
  change: (extensions: readonly Extension[]) => readonly Extension[],
): Promise<void> {
  const directory = join(stateDir, 'local-ca');
  const raw = new X509Certificate(await readFile(join(directory, 'ca.pem'))).raw;
  const certificate = AsnConvert.parse(raw, Certificate);
  const { tbsCertificate } = certificate;
  tbsCertificate.extensions = new Extensions([...change([...(tbsCertificate.extensions ?? [])])]);
  const key = createPrivateKey(await readFile(join(directory, 'ca-key.pem')));
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), key);
  certificate.signatureValue = new Uint8Array(signature).buffer;
  const text = Buffer.from(AsnConvert.serialize(certificate)).toString('base64');
  const lines = text.replaceAll(/.{1,64}/g, '$&\n');
  const pem = `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
  await writeFile(join(directory, 'ca.pem'), pem);
}

function buildOwnFields(publicKey: KeyObject, signingKey: KeyObject): CertificateFields {
  const mark = toKeyIdentifier(publicKey).toString('hex').slice(0, 8);
  const name = { organization: 'Breakwater', commonName: `Breakwater local CA ${mark}` };
  return {
    serialNumber: createSerialNumber(),
    issuer: name,
    subject: name,
    notBefore: Date.now() - 3_600_000,
    notAfter: Date.now() + 3_600_000,
    publicKey,
    signingKey,
    basicConstraints: { ca: true, pathLength: 0 },
    extendedKeyUsage: [serverAuthentication],
    nameConstraints: localNameConstraints,
  };
}
