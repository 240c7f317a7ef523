import { formatDuration } from '../lib/duration.ts';
import type { AcmeConfig, CertificateFilesConfig, IssuerConfig, TlsConfig } from './tls-config.ts';
import { present, type FileMapping } from './file-value.ts';
import { findAuthority } from './known-authorities.ts';

/** The `tls` section in the words of the file. Secrets are named by where they come from, never shown. */
export function toTlsForm(tls: TlsConfig, options: { readonly hasOwnPair: boolean }): FileMapping {
  const [first, ...rest] = tls.files;
  const listed = options.hasOwnPair ? rest : tls.files;
  return {
    ...(options.hasOwnPair && first !== undefined ? toCertificateForm(first) : {}),
    ...(listed.length === 0 ? {} : { certificates: listed.map(toCertificateForm) }),
    ...(tls.automatic.kind === 'acme' ? { acme: toAcmeForm(tls.automatic) } : {}),
    policy: tls.policy,
    ...(tls.clients === undefined ? {} : { clients: present({ ...tls.clients }) }),
  };
}

function toCertificateForm({ cert, key, passphrase }: CertificateFilesConfig): FileMapping {
  if (passphrase === undefined) return { cert, key };
  return passphrase.kind === 'file'
    ? { cert, key, passphrase_file: passphrase.path }
    : { cert, key, passphrase_env: passphrase.name };
}

function toAcmeForm({ issuers: [first, ...others], challenges, dns, onDemand }: AcmeConfig): FileMapping {
  return present({
    ...toIssuerForm(first),
    challenges,
    dns: dns && { command: dns.command, wait: formatDuration(dns.wait) },
    fallback: others.length === 0 ? undefined : others.map(toIssuerForm),
    on_demand: onDemand && { ask: onDemand.ask, per_hour: onDemand.perHour },
  });
}

function toIssuerForm(issuer: IssuerConfig): FileMapping {
  const { directory, email, termsAccepted, profile, preferredChain, ca, eab } = issuer;
  const source = eab?.hmacKeySource;
  return present({
    directory: findAuthority(directory)?.name ?? directory,
    email,
    accept_terms: termsAccepted,
    profile,
    chain: preferredChain,
    ca,
    eab:
      eab &&
      present({
        kid: eab.kid,
        hmac_key_file: source?.kind === 'file' ? source.path : undefined,
        hmac_key_env: source?.kind === 'environment' ? source.name : undefined,
      }),
  });
}
