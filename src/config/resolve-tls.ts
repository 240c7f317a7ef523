import { isIP } from 'node:net';
import { chooseChallenges, chooseSigner, listIssuers, type PlacedIssuer } from './automatic-issuance.ts';
import type {
  AccountBindingConfig,
  AcmeConfig,
  CertificateFilesConfig,
  IssuerConfig,
  PassphraseConfig,
  TlsConfig,
} from './tls-config.ts';
import { findAuthority } from './known-authorities.ts';
import type { AcmeSetting, BindingSetting } from './schema/acme.ts';
import type { CertificateSetting, TlsSetting } from './schema/tls.ts';
import type { Secrets } from './secrets.ts';
import { formatSettingName } from './setting-name.ts';

export interface TlsContext {
  readonly domains: readonly string[];
  readonly hasPlainHttp: boolean;
  readonly secrets: Secrets;
  /** Makes the file name of the setting at the path absolute. */
  readonly file: (path: readonly PropertyKey[], name: string) => string;
}

/** Puts a valid `tls` section together. */
export function resolveTls(tls: TlsSetting, context: TlsContext): TlsConfig {
  const { file } = context;
  const files = [
    resolveCertificate(['tls'], tls, context),
    ...tls.certificates.map((setting, index) =>
      resolveCertificate(['tls', 'certificates', index], setting, context),
    ),
  ].filter((certificate) => certificate !== undefined);
  const signer = chooseSigner(tls, context.domains);
  const { clients } = tls;
  return {
    files,
    automatic: signer === 'acme' ? { kind: signer, ...resolveAcme(tls, context) } : { kind: signer },
    policy: tls.policy,
    clients:
      clients === undefined
        ? undefined
        : {
            ca: file(['tls', 'clients', 'ca'], clients.ca),
            crl: clients.crl === undefined ? undefined : file(['tls', 'clients', 'crl'], clients.crl),
            required: clients.required,
          },
  };
}

function resolveCertificate(
  path: readonly PropertyKey[],
  { cert, key, passphrase_file, passphrase_env }: CertificateSetting,
  { file, secrets }: TlsContext,
): CertificateFilesConfig | undefined {
  if (cert === undefined || key === undefined) return undefined;
  let passphrase: PassphraseConfig | undefined;
  if (passphrase_file !== undefined) {
    passphrase = { kind: 'file', path: file([...path, 'passphrase_file'], passphrase_file) };
  } else if (passphrase_env !== undefined) {
    const value = secrets.get(formatSettingName([...path, 'passphrase_env'])) ?? '';
    passphrase = { kind: 'environment', name: passphrase_env, value };
  }
  return { cert: file([...path, 'cert'], cert), key: file([...path, 'key'], key), passphrase };
}

function resolveAcme({ acme, clients }: TlsSetting, context: TlsContext): AcmeConfig {
  const { domains, hasPlainHttp, file } = context;
  const [first, ...others] = listIssuers(acme);
  const dns = acme?.dns;
  const onDemand = acme?.on_demand;
  const hasAddress = domains.some((name) => isIP(name) !== 0);
  return {
    issuers: [
      resolveIssuer(first, acme, context),
      ...others.map((issuer) => resolveIssuer(issuer, acme, context)),
    ],
    challenges: chooseChallenges({
      acme,
      hasPlainHttp,
      hasAddress,
      needsClientCertificate: clients?.required === true,
    }),
    dns: dns && {
      command: resolveCommand(dns.command, (name) => file(['tls', 'acme', 'dns', 'command'], name)),
      wait: dns.wait,
    },
    onDemand: onDemand && { ask: onDemand.ask, perHour: onDemand.per_hour },
  };
}

function resolveIssuer(
  { path, setting, directory }: PlacedIssuer,
  acme: AcmeSetting | undefined,
  context: TlsContext,
): IssuerConfig {
  const { profile, chain, ca, eab } = setting ?? {};
  return {
    directory,
    title: findAuthority(directory)?.title ?? new URL(directory).host,
    email: setting?.email ?? acme?.email,
    termsAccepted: setting?.accept_terms ?? false,
    profile,
    preferredChain: chain,
    ca: ca === undefined ? undefined : context.file([...path, 'ca'], ca),
    eab: eab && resolveBinding([...path, 'eab'], eab, context),
  };
}

function resolveBinding(
  path: readonly PropertyKey[],
  { kid, hmac_key_env, hmac_key_file = '' }: BindingSetting,
  { file, secrets }: TlsContext,
): AccountBindingConfig {
  const key = hmac_key_env === undefined ? 'hmac_key_file' : 'hmac_key_env';
  const setting = [...path, key];
  return {
    kid,
    hmacKey: secrets.get(formatSettingName(setting)) ?? '',
    hmacKeySource:
      hmac_key_env === undefined
        ? { kind: 'file', path: file(setting, hmac_key_file) }
        : { kind: 'environment', name: hmac_key_env },
  };
}

/** A program with a slash in its name is a file, any other is looked for in `PATH`. */
function resolveCommand(
  [program, ...rest]: readonly [string, ...string[]],
  file: (name: string) => string,
): readonly [string, ...string[]] {
  return [program.includes('/') ? file(program) : program, ...rest];
}
