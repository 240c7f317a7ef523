import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { toOneLine } from '../tls-material.ts';

/** Who a client certificate names. */
export interface ClientIdentity {
  /**
   * One line, the common name first: `CN=ci, O=Example`. Separators, control characters and the like inside a value are written
   * with a backslash (RFC 4514 section 2.4), so that no value can pose as two.
   */
  readonly subject: string;
  /** Alternative names: `DNS:ci.example.com`, `URI:spiffe://example.com/ci`, `email:ci@example.com`. */
  readonly names: readonly string[];
}

/** What a finished handshake says about the client. */
export type ClientCheck =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'known'; readonly certificate: ClientIdentity }
  /** It showed a certificate that is not good, or none where one is required. */
  | { readonly kind: 'refused' };

/**
 * Reads who a client is, once its handshake is done. A certificate that does not verify counts as an attempt, not as none: its owner
 * believes to be known, and would be served as a stranger.
 */
export function createClientCheck(options: {
  readonly required: boolean;
}): (socket: TLSSocket) => ClientCheck {
  const withoutCertificate: ClientCheck = { kind: options.required ? 'refused' : 'anonymous' };
  return function checkClient(socket) {
    const certificate = socket.getPeerX509Certificate();
    // `authorized` alone is not enough: engines also set it where a session without any certificate was resumed.
    if (certificate === undefined) return socket.authorized ? { kind: 'refused' } : withoutCertificate;
    return socket.authorized
      ? { kind: 'known', certificate: toClientIdentity(certificate) }
      : { kind: 'refused' };
  };
}

export function toClientIdentity(certificate: X509Certificate): ClientIdentity {
  // Absent for a certificate with an empty subject, whatever the type says.
  const subject: string | undefined = certificate.subject;
  return { subject: toOneLine(subject ?? ''), names: toNames(certificate.subjectAltName ?? '') };
}

/** Names that hold separators are quoted (CVE-2021-44532). None of them is a name that anybody is admitted by, so they are left out. */
function toNames(alternativeNames: string): readonly string[] {
  const plain = alternativeNames.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return Array.from(plain.matchAll(/(?:^|, )((?:DNS|URI|email):[^,]+)/g), ([, name = '']) => name);
}
