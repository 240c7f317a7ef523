import type { ErrorEntry } from '../error-entry.ts';

export type TlsErrorCode =
  | 'E_TLS_UNREADABLE'
  | 'E_TLS_MALFORMED'
  | 'E_TLS_KEY_ENCRYPTED'
  | 'E_TLS_KEY_MISMATCH'
  | 'E_TLS_EXPIRED'
  | 'E_TLS_NOT_YET_VALID'
  | 'E_TLS_NAME_UNCOVERED'
  | 'E_TLS_CHAIN'
  | 'E_TLS_KEY_EXPOSED'
  | 'E_TLS_PURPOSE'
  | 'E_TLS_STATE'
  | 'E_TLS_LOCAL_NAME'
  | 'E_TLS_PASSPHRASE'
  | 'E_TLS_CLIENT_AUTHORITY'
  | 'E_TLS_REVOCATION_LIST';

/** `E_TLS_`: certificate files, private keys, the local authority and client authorities. */
export const tlsErrorCodes: { readonly [code in TlsErrorCode]: ErrorEntry } = {
  E_TLS_UNREADABLE: {
    title: 'a certificate or key file cannot be read',
    explanation:
      'The file named for the certificate or its private key does not exist, may not be read by this user, or is not a regular file.',
    fix: 'correct the path, or let the user that runs Breakwater read the file',
    exit: 2,
  },
  E_TLS_MALFORMED: {
    title: 'a certificate or key file does not hold what it should',
    explanation:
      'Certificates and private keys are expected as PEM text: `-----BEGIN CERTIFICATE-----` and `-----BEGIN PRIVATE KEY-----` (or `EC` or `RSA PRIVATE KEY`). The file holds neither, or its contents are damaged, or the TLS engine refuses them.',
    fix: 'give the full certificate chain as PEM in `--cert` and its private key as PEM in `--key`',
    exit: 2,
  },
  E_TLS_KEY_ENCRYPTED: {
    title: 'the private key is encrypted',
    explanation:
      'The private key is protected by a passphrase, and a server that starts unattended has nobody to ask for it.',
    fix: 'put the passphrase into a file of mode 0600 and name it in `tls.passphrase_file`, or write a decrypted copy with mode 0600: `openssl pkey -in encrypted.pem -out key.pem`',
    exit: 2,
  },
  E_TLS_KEY_MISMATCH: {
    title: 'the private key does not belong to the certificate',
    explanation:
      'A certificate holds a public key, and only the matching private key can prove that it is ours. No certificate in the file matches the key that was given.',
    fix: 'give the key that the certificate was issued for; after a renewal both files change together',
    exit: 2,
  },
  E_TLS_EXPIRED: {
    title: 'the certificate has expired',
    explanation:
      'Clients refuse an expired certificate. Breakwater starts with it all the same, because the files are watched and a renewed certificate is taken up at once.',
    fix: 'renew the certificate; the new files are taken up without a restart',
  },
  E_TLS_NOT_YET_VALID: {
    title: 'the certificate is not valid yet',
    explanation:
      'The certificate begins to be valid in the future. Either it was issued ahead of time or the clock of this machine is behind.',
    fix: 'check the clock of this machine with `date`',
  },
  E_TLS_NAME_UNCOVERED: {
    title: 'the certificate does not cover a configured domain',
    explanation:
      'Clients compare the name in the URL with the names in the certificate and refuse the connection when none fits. A wildcard stands for exactly one label.',
    fix: 'get a certificate that names every domain, or correct `domains`',
  },
  E_TLS_CHAIN: {
    title: 'the certificate chain is incomplete or out of order',
    explanation:
      'A server must send its own certificate first and then every intermediate certificate up to a root that clients know. Browsers often repair a gap by themselves; MCP clients on Node, Python or Go do not.',
    fix: 'use the full chain (`fullchain.pem`) that the certificate authority gave, leaf first',
  },
  E_TLS_KEY_EXPOSED: {
    title: 'other users of this machine can read the private key',
    explanation: 'Whoever reads the private key can pretend to be this server.',
    fix: 'run `chmod 600` on the key file',
  },
  E_TLS_PURPOSE: {
    title: 'the certificate is not meant for a TLS server',
    explanation:
      'A certificate says what it may be used for. This one belongs to a certificate authority, or is limited to other uses such as client authentication, and clients will refuse it from a server.',
    fix: 'give a certificate that was issued for a server (extended key usage `serverAuth`)',
  },
  E_TLS_STATE: {
    title: 'the stored local certificate authority cannot be used',
    explanation:
      'The directory `local-ca` in the state directory holds the certificate authority that signs for local names. One of its files is missing, damaged, expired or does not fit the other, and replacing it silently would break the trust that clients were given.',
    fix: 'restore the directory `local-ca`, or remove it to get a new authority and trust that one again',
    exit: 2,
  },
  E_TLS_LOCAL_NAME: {
    title: 'the local certificate authority does not sign for this name',
    explanation:
      'The local authority is limited to names and addresses that exist on this machine or its network only (localhost, .local, .lan, .internal, .test, .home.arpa, loopback and private addresses), so that a stolen key cannot impersonate the rest of the internet.',
    fix: 'use a name below `.localhost` or `.test`, or give a certificate for the name with `--cert` and `--key`',
    exit: 2,
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
};
