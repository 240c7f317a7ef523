import type { CertificateVerifier } from '../../auth/client-certificate.ts';
import { readCredential } from '../../auth/credential.ts';
import type { Principal } from '../../auth/principal.ts';
import type { Fields } from '../../http/exchange.ts';
import type { Exchange } from '../exchange.ts';
import type { Reply } from '../reply.ts';
import type { Route } from '../routes.ts';

const CHALLENGE = 'Bearer realm="breakwater"';

/** How callers of a route prove who they are; any of the ways does. */
export interface RouteCheck {
  readonly keys: KeyCheck | undefined;
  readonly certificates: CertificateVerifier | undefined;
}

export interface KeyCheck {
  verify(key: string): Principal | undefined;
  /** Whether somebody whom `verify` returned may still come in. */
  isCurrent(principal: Principal): boolean;
}

/** Finds out who calls. A challenge names an error only when a credential was sent (RFC 6750 section 3.1). */
export function createAuthenticateStage(
  checks: ReadonlyMap<Route, RouteCheck>,
): (exchange: Exchange) => Reply | undefined {
  /** Who was behind fields that come again; whether that still holds is asked each time. */
  const recognised = new WeakMap<Fields, { readonly keys: KeyCheck; readonly principal: Principal }>();
  return function authenticate(exchange) {
    if (exchange.destination.kind !== 'mcp') return undefined;
    const check = checks.get(exchange.destination.route);
    if (check === undefined) return undefined;
    const { fields, isRepeat, peer } = exchange.request;
    const { keys, certificates } = check;
    if (certificates !== undefined && peer.certificate !== undefined) {
      // The certificate belongs to the connection, so no field of a request can change who calls, and none is remembered.
      exchange.principal = certificates(peer.certificate);
      if (exchange.principal !== undefined) return undefined;
    }
    if (keys === undefined) return { kind: 'error', code: 'E_AUTH_CERTIFICATE' };
    const known = isRepeat ? recognised.get(fields) : undefined;
    if (known?.keys === keys && keys.isCurrent(known.principal)) {
      exchange.principal = known.principal;
      return undefined;
    }
    const credential = readCredential(fields);
    if (credential.kind === 'none') {
      return { kind: 'error', code: 'E_AUTH_REQUIRED', fields: ['www-authenticate', CHALLENGE] };
    }
    exchange.principal = credential.kind === 'ambiguous' ? undefined : keys.verify(credential.secret);
    if (exchange.principal !== undefined) {
      if (isRepeat) recognised.set(fields, { keys, principal: exchange.principal });
      return undefined;
    }
    return {
      kind: 'error',
      code: 'E_AUTH_INVALID',
      fields: ['www-authenticate', `${CHALLENGE}, error="invalid_token"`],
    };
  };
}
