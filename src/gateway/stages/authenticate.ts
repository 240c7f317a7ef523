import type { KeyVerifier } from '../../auth/api-key.ts';
import type { CertificateVerifier } from '../../auth/client-certificate.ts';
import { countField, fieldValue, type Fields } from '../../http/exchange.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../routes.ts';

const CHALLENGE = 'Bearer realm="breakwater"';

/** How callers of a route prove who they are. */
export type RouteCheck =
  | { readonly kind: 'key'; readonly verify: KeyVerifier }
  | { readonly kind: 'certificate'; readonly verify: CertificateVerifier };

/** Finds out who calls. A challenge names an error only when a token was sent (RFC 6750 section 3.1). */
export function createAuthenticateStage(
  checks: ReadonlyMap<Route, RouteCheck>,
): (exchange: Exchange) => Reply | undefined {
  /** Who was behind fields that come again: a key stays what it is for as long as this stage does. */
  const recognised = new WeakMap<Fields, { readonly verify: KeyVerifier; readonly principal: string }>();
  return function authenticate(exchange) {
    if (exchange.destination.kind !== 'mcp') return undefined;
    const check = checks.get(exchange.destination.route);
    if (check === undefined) return undefined;
    if (check.kind === 'certificate') {
      // The certificate belongs to the connection, so no field of a request can change who calls, and none is remembered.
      const { certificate } = exchange.request.peer;
      exchange.principal = certificate === undefined ? undefined : check.verify(certificate);
      return exchange.principal === undefined ? { kind: 'error', code: 'E_AUTH_CERTIFICATE' } : undefined;
    }
    const { verify } = check;
    const { fields, isRepeat } = exchange.request;
    const known = isRepeat ? recognised.get(fields) : undefined;
    if (known?.verify === verify) {
      exchange.principal = known.principal;
      return undefined;
    }
    const authorization = fieldValue(fields, 'authorization');
    const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      return { kind: 'error', code: 'E_AUTH_REQUIRED', fields: ['www-authenticate', CHALLENGE] };
    }
    // Two credentials: the gateway would check one and a lenient upstream read the other.
    exchange.principal = countField(fields, 'authorization') === 1 ? verify(token) : undefined;
    if (exchange.principal !== undefined) {
      if (isRepeat) recognised.set(fields, { verify, principal: exchange.principal });
      return undefined;
    }
    return {
      kind: 'error',
      code: 'E_AUTH_INVALID',
      fields: ['www-authenticate', `${CHALLENGE}, error="invalid_token"`],
    };
  };
}
