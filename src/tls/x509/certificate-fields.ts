import { createHash, type KeyObject } from 'node:crypto';

/**
 * What goes into one X.509 version 3 certificate (RFC 5280 section 4.1), beside the identifiers of its key and of the
 * issuer's, which follow by themselves. Times are milliseconds.
 */
export interface CertificateFields {
  /** Big-endian. */
  readonly serialNumber: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  /** The issuer's private key, P-256 or RSA; the signature uses SHA-256. */
  readonly signingKey: KeyObject;
  /**
   * The key of an authority signs certificates and revocation lists, any other key handshakes. At most `pathLength` further
   * authorities may stand below an authority.
   */
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength?: number };
  /** Object identifiers; any purpose when absent. */
  readonly extendedKeyUsage?: readonly string[];
  /** DNS names and IP addresses, told apart by their form. */
  readonly subjectAlternativeName?: readonly string[];
  /** All that an authority may sign for: domains, each with all below it, and CIDR blocks (RFC 5280 section 4.2.1.10). */
  readonly nameConstraints?: readonly string[];
  /** SHA-256 of a key authorization: makes it the challenge certificate of `tls-alpn-01` (RFC 8737 section 3). */
  readonly acmeIdentifier?: Uint8Array;
}

export interface DistinguishedName {
  readonly organization?: string;
  readonly commonName?: string;
}

export const serverAuthentication = '1.3.6.1.5.5.7.3.1';

/** Identifies a public key inside certificates: 160 bits of SHA-256 over the whole key (RFC 7093 section 2, method 4). */
export function toKeyIdentifier(publicKey: KeyObject): Buffer {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);
}
