import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';

/**
 * The roots that clients on this machine know: Node's own and extra ones, then those of the system.
 * Reading the system's takes tens of milliseconds, so it happens only when the first are used up.
 */
export function* trustedRoots(): Generator<X509Certificate> {
  for (const source of ['default', 'system'] as const) {
    for (const text of getCACertificates(source)) {
      const root = toCertificate(text);
      if (root !== undefined) yield root;
    }
  }
}

/** A system store may hold certificates that this OpenSSL cannot read; those vouch for nothing. */
function toCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
