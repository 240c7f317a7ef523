import type { SecretSourceConfig } from './config.ts';

export interface TlsConfig {
  /** Certificates of the user's own, the preferred one first. */
  readonly files: readonly CertificateFilesConfig[];
  /** Who signs for names that no file is given for. */
  readonly automatic:
    | { readonly kind: 'none' }
    | { readonly kind: 'local-ca' }
    | ({ readonly kind: 'acme' } & AcmeConfig);
  /** The protocols and suites of Mozilla's recommendation of this name. */
  readonly policy: 'intermediate' | 'modern';
  /** Certificates that clients show; `undefined` when none is asked for. */
  readonly clients: ClientCertificatesConfig | undefined;
}

export interface CertificateFilesConfig {
  readonly cert: string;
  readonly key: string;
  /** Opens an encrypted private key. */
  readonly passphrase: PassphraseConfig | undefined;
}

export type PassphraseConfig =
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'environment';
      readonly name: string;
      /** Never shown. */
      readonly value: string;
    };

export interface AcmeConfig {
  /** The authorities that are asked, in this order. */
  readonly issuers: readonly [IssuerConfig, ...IssuerConfig[]];
  /** The preferred one first; never empty. */
  readonly challenges: readonly ('http-01' | 'tls-alpn-01' | 'dns-01')[];
  /** The command that sets DNS records, and how long they need to be seen everywhere. */
  readonly dns: { readonly command: readonly [string, ...string[]]; readonly wait: number } | undefined;
  /** Certificates for names that are not listed, where the service at the URL `ask` says yes. */
  readonly onDemand: { readonly ask: string; readonly perHour: number } | undefined;
}

export interface IssuerConfig {
  /** URL of the directory (RFC 8555 section 7.1.1). */
  readonly directory: string;
  /** For people: `Let's Encrypt`. */
  readonly title: string;
  readonly email: string | undefined;
  /** Whether the user agreed to the terms of service. */
  readonly termsAccepted: boolean;
  readonly profile: string | undefined;
  /** Common name of the root that the chain should lead to. */
  readonly preferredChain: string | undefined;
  /** PEM file with the roots that the directory's own certificate is checked against. */
  readonly ca: string | undefined;
  readonly eab: AccountBindingConfig | undefined;
}

/** External account binding (RFC 8555 section 7.3.4). */
export interface AccountBindingConfig {
  readonly kid: string;
  /** Base64url. Never shown. */
  readonly hmacKey: string;
  readonly hmacKeySource: SecretSourceConfig;
}

export interface ClientCertificatesConfig {
  /** PEM file with the authorities whose certificates are admitted. */
  readonly ca: string;
  /** PEM file with revocation lists. */
  readonly crl: string | undefined;
  /** Whether a connection without a certificate is refused; else the route decides. */
  readonly required: boolean;
}
