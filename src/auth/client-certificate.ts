import { buildOwnPrincipal, type Principal } from './principal.ts';

/** Who a verified client certificate names; see `PeerCertificate` of the HTTP room, which has the same shape. */
export interface CertificateNames {
  /** One line: `CN=ci, O=Example`. */
  readonly subject: string;
  /** `DNS:…`, `URI:…` and `email:…`. */
  readonly names: readonly string[];
}

/** Returns the principal that a certificate stands for, or `undefined` for one that is not admitted. */
export type CertificateVerifier = (certificate: CertificateNames) => Principal | undefined;

/**
 * Admits certificates by their subject or one of their alternative names, letter by letter. The subject comes first; of two entries
 * for the same text the first one holds. A certificate without a subject is known by its names only.
 */
export function buildCertificateVerifier(
  admitted: readonly { readonly name: string; readonly subject: string }[],
): CertificateVerifier {
  const principals = new Map<string, Principal>();
  for (const { name, subject } of admitted) {
    if (subject !== '' && !principals.has(subject))
      principals.set(
        subject,
        buildOwnPrincipal({ method: 'certificate', name, scopes: [], expiresAt: undefined }),
      );
  }
  return function verifyCertificate({ subject, names }) {
    for (const text of [subject, ...names]) {
      const principal = principals.get(text);
      if (principal !== undefined) return principal;
    }
    return undefined;
  };
}
