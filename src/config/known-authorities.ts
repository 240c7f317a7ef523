/** A public certificate authority that the configuration knows by name. */
export interface KnownAuthority {
  readonly name: string;
  /** URL of its directory (RFC 8555 section 7.1.1). */
  readonly directory: string;
  /** For people. */
  readonly title: string;
  /** Page with its terms of service; its directory names the version in force. */
  readonly terms: string;
  /** Accounts are opened only with an external account binding (RFC 8555 section 7.3.4). */
  readonly needsBinding: boolean;
}

/** The first is asked when nothing says otherwise. */
export const knownAuthorities: readonly [KnownAuthority, ...KnownAuthority[]] = [
  {
    name: 'letsencrypt',
    directory: 'https://acme-v02.api.letsencrypt.org/directory',
    title: "Let's Encrypt",
    terms: 'https://letsencrypt.org/repository/',
    needsBinding: false,
  },
  {
    name: 'letsencrypt-staging',
    directory: 'https://acme-staging-v02.api.letsencrypt.org/directory',
    title: "Let's Encrypt (staging)",
    terms: 'https://letsencrypt.org/repository/',
    needsBinding: false,
  },
  {
    name: 'zerossl',
    directory: 'https://acme.zerossl.com/v2/DV90',
    title: 'ZeroSSL',
    terms: 'https://zerossl.com/terms/',
    needsBinding: true,
  },
  {
    name: 'google',
    directory: 'https://dv.acme-v02.api.pki.goog/directory',
    title: 'Google Trust Services',
    terms: 'https://pki.goog/GTS-SA.pdf',
    needsBinding: true,
  },
  {
    name: 'google-staging',
    directory: 'https://dv.acme-v02.test-api.pki.goog/directory',
    title: 'Google Trust Services (staging)',
    terms: 'https://pki.goog/GTS-SA.pdf',
    needsBinding: true,
  },
];

/** The known authority of a name or of a directory's URL. */
export function findAuthority(text: string): KnownAuthority | undefined {
  return knownAuthorities.find(({ name, directory }) => text === name || text === directory);
}
