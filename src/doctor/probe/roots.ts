import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { toErrorMessage } from '../../lib/error-message.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { runsOnBun } from '../../lib/transport.ts';

/** Roots in the form in which connections take them. */
export type Roots = { readonly secureContext: SecureContext } | { readonly ca: string[] };

/**
 * What is believed: the roots of the runtime, those of the system, as far as this OpenSSL can read them, and the given ones. Fails where
 * what was given is no certificate.
 */
export function buildRoots(extra: string | undefined): Result<Roots, string> {
  const own = [...getCACertificates('default'), ...getCACertificates('system')];
  const ca = extra === undefined ? own : [...own, extra];
  try {
    const secureContext = createSecureContext({ ca });
    // Bun takes no context that was made beforehand.
    return ok(runsOnBun ? { ca } : { secureContext });
  } catch (error) {
    return fail(toErrorMessage(error));
  }
}
