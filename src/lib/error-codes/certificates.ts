import type { ErrorEntry } from '../error-entry.ts';

export type CertificateErrorCode =
  | 'E_CERT_UNKNOWN'
  | 'E_CERT_NO_GATEWAY'
  | 'E_CERT_EXPIRING'
  | 'E_CERT_STATE'
  | 'E_CERT_FILE_EXISTS'
  | 'E_TRUST_STORE'
  | 'E_TRUST_UNCONFIRMED';

/** `E_CERT_` and `E_TRUST_`: certificates that Breakwater keeps, and the trust stores of this machine. */
export const certificateErrorCodes: { readonly [code in CertificateErrorCode]: ErrorEntry } = {
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
};
