import { constants } from 'node:crypto';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import { parsePem } from '../files/pem.ts';

/** Certificates that clients show (mutual TLS): who signs for them, and which of them were taken back. */
export interface ClientCertificates {
  /** PEM of the authorities, roots included. A chain that does not end in one of them is refused. */
  readonly ca: string;
  /** PEM of one revocation list for each authority; `undefined` when nobody looks at revocation. */
  readonly crl: string | undefined;
  /** Whether a client without a certificate is refused in the handshake. A bad certificate is refused in any case. */
  readonly required: boolean;
}

/**
 * What each context of a server needs besides its certificate. OpenSSL checks the client against the context that the server name
 * chose, and without authorities in there against all public ones (mTLS bypass by another server name).
 *
 * There are no session tickets: a resumed session is not checked again. A ticket would let a client in whose certificate was revoked
 * or has expired since, and one that got it where no certificate is needed.
 */
export function withClientCertificates(
  policy: Readonly<SecureContextOptions>,
  clients: ClientCertificates | undefined,
): SecureContextOptions {
  if (clients === undefined) return policy;
  return {
    ...policy,
    ca: clients.ca,
    ...(clients.crl === undefined ? {} : { crl: toEngineLists(clients.crl) }),
    secureOptions: (policy.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET,
  };
}

/** What the server itself needs: these settings are no part of a context and cannot be swapped. */
export function toClientRequest(clients: ClientCertificates | undefined): TlsOptions {
  return clients === undefined ? {} : { requestCert: true, rejectUnauthorized: clients.required };
}

/** Node takes the first list of each text and passes over the rest; with no list at all nobody would be revoked. */
function toEngineLists(pem: string): string[] {
  const lists = toRevocationLists(pem);
  // The engine refuses a text without a list.
  return lists.length === 0 ? [pem] : lists;
}

/** The revocation lists of a PEM text, one text each. */
export function toRevocationLists(pem: string): string[] {
  return parsePem(pem)
    .filter((block) => block.label === 'X509 CRL')
    .map((block) => block.text);
}
