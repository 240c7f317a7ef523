import type { ErrorEntry } from './error-entry.ts';

export type CertsErrorCode =
  | 'E_CERT_UNKNOWN'
  | 'E_CERT_NO_GATEWAY'
  | 'E_CERT_EXPIRING'
  | 'E_CERT_STATE'
  | 'E_CERT_FILE_EXISTS'
  | 'E_TRUST_STORE'
  | 'E_TRUST_UNCONFIRMED'
  | 'E_TLS_PASSPHRASE'
  | 'E_TLS_CLIENT_AUTHORITY'
  | 'E_TLS_REVOCATION_LIST'
  | 'E_AUTH_CERTIFICATE';

/** The part of the error table that speaks of certificates in service, trust stores and client certificates. */
export const certsErrorCodes: { readonly [code in CertsErrorCode]: ErrorEntry } = {
  E_CERT_UNKNOWN: {
    title: 'there is no certificate for this name',
    explanation: 'The state directory holds no certificate that covers the name.',
    fix: 'run `breakwater certs list`, and check `--state-dir`',
    exit: 2,
  },
  E_CERT_NO_GATEWAY: {
    title: 'no gateway runs on this state directory',
    explanation:
      'Certificates are renewed by the running gateway, because the certificate authority has to find it. None is running with this state directory.',
    fix: 'start it with `breakwater up`, which renews what is due by itself',
    exit: 4,
  },
  E_CERT_EXPIRING: {
    title: 'a certificate ends soon',
    explanation:
      'Renewal is overdue, or the certificate comes from files that somebody else renews. When it has ended, clients refuse the connection.',
    fix: 'run `breakwater certs show NAME` to see why it was not renewed; renew certificate files yourself',
  },
  E_CERT_STATE: {
    title: 'a stored certificate cannot be used',
    explanation:
      'A certificate or the record of its renewal in the state directory is damaged. It is set aside and obtained anew.',
    fix: 'nothing; the damaged file is kept beside the new one, with the ending `.damaged`',
  },
  E_CERT_FILE_EXISTS: {
    title: 'a file is already there',
    explanation:
      "Exporting a certificate would replace a file, which may be the only copy of somebody else's key. Nothing was written.",
    fix: 'name another directory with `--out`, or replace the files with `--force`',
    exit: 6,
  },
  E_TRUST_STORE: {
    title: 'a trust store cannot be changed',
    explanation:
      'The list of authorities that programs on this machine trust could not be read or written: missing permission, or a missing program.',
    fix: 'run the command again with `sudo`, or add the certificate by hand',
    exit: 1,
  },
  E_TRUST_UNCONFIRMED: {
    title: 'nobody said yes to changing the trust stores',
    explanation:
      'Programs believe every site that an authority in a trust store signs for, so a store is changed only after a person at a terminal has agreed to the plan, or with `--yes`. Nothing was changed.',
    fix: 'run the command at a terminal, look at the plan with `--dry-run`, or add `--yes`',
    exit: 6,
  },
  E_TLS_PASSPHRASE: {
    title: 'the passphrase does not open the private key',
    explanation: 'The private key is encrypted, and the passphrase that was given does not decrypt it.',
    fix: 'correct the contents of `tls.passphrase_file` or the variable named by `tls.passphrase_env`',
    exit: 2,
  },
  E_TLS_CLIENT_AUTHORITY: {
    title: 'a client authority cannot be used',
    explanation:
      'The file of `tls.clients.ca` holds the certificates of the authorities that sign for clients. One of them is no certificate authority, or is not valid today, and clients below it are refused.',
    fix: 'give the certificates of the client authorities as PEM, roots included, and no certificate of a client',
    exit: 2,
  },
  E_TLS_REVOCATION_LIST: {
    title: 'the revocation list cannot be used',
    explanation:
      'The file of `tls.clients.crl` has to hold a list for each authority in `tls.clients.ca`. One is missing, was not signed by the authority, or its time is over. Without it a revoked certificate could come in, so every client certificate is refused while it lasts.',
    fix: 'fetch the current list from the client authority; the file is watched',
    exit: 2,
  },
  E_AUTH_CERTIFICATE: {
    title: 'a client certificate is needed',
    explanation:
      'The route admits clients by certificate. The connection had none, or one whose subject is not listed.',
    fix: 'configure the client with a certificate that this route admits',
    status: 403,
    rpcCode: -32600,
    exit: 3,
  },
};
