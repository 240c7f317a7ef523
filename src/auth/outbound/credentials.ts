import type { Clock } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { Principal } from '../principal.ts';
import { createExchangeCredentials } from './exchange-credentials.ts';
import { createHeaderCredentials } from './header-credentials.ts';
import { createJwtCredentials } from './jwt-credentials.ts';
import type { PostForm } from './post-form.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a route tells its upstream about the caller. */
export type OutboundConfig =
  | { readonly kind: 'none' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'jwt'; readonly audience: string | undefined; readonly lifetime: number }
  | {
      readonly kind: 'exchange';
      readonly tokenEndpoint: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly audience: string | undefined;
      readonly scopes: readonly string[];
    };

export interface OutboundOptions {
  readonly clock: Clock;
  /** URL of the upstream: the audience where the configuration names none. */
  readonly upstream: string;
  /** Public URL of the gateway: `iss` of the tokens it signs. */
  readonly issuer: string;
  /** The one issuer whose tokens the route admits; `undefined` where there are several, whose subjects are then told apart. */
  readonly soleIssuer: string | undefined;
  /** For tokens of the gateway's own. */
  readonly keys: SigningKeys | undefined;
  readonly post: PostForm;
}

/** Why there are no credentials; the reason is for the log and never for the client. */
export interface OutboundFailure {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Header fields to add (name, value, name, value), or why there are none. */
export type OutboundFields = Result<readonly string[], OutboundFailure>;

/** What one route adds to requests for its upstream. */
export interface OutboundCredentials {
  /**
   * Names, in lower case, that the gateway sets: a client's own fields of these names must go, since an upstream may read the first of
   * two. The client's Authorization and X-API-Key go in any case.
   */
  readonly names: readonly string[];
  /**
   * The fields for a call. At once where they are known, which is for each call but the first of a caller and rare others; the promise
   * never rejects. `principal` has to be the same object for the same credential, as authentication returns it. `token` is the
   * client's own; it is looked at for a token exchange alone.
   */
  fieldsFor(
    principal: Principal | undefined,
    token: string | undefined,
  ): OutboundFields | Promise<OutboundFields>;
}

/** Creates the credentials of one route. Throws a GatewayError (E_CONFIG_VALUE) for a configuration that could only fail. */
export function createOutboundCredentials(
  config: OutboundConfig,
  options: OutboundOptions,
): OutboundCredentials {
  switch (config.kind) {
    case 'none': {
      const nothing: OutboundFields = ok([]);
      return { names: [], fieldsFor: () => nothing };
    }
    case 'header':
      return createHeaderCredentials(config);
    case 'jwt':
      if (options.keys === undefined) throw new TypeError('tokens of the gateway need its keys');
      return createJwtCredentials(config, { ...options, keys: options.keys });
    case 'exchange':
      return createExchangeCredentials(config, options);
  }
}
