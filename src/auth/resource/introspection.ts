import type { JsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { toBasicAuthorization } from '../basic-authorization.ts';
import type { Priority } from '../fetch/host-slots.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import { configuredTargets } from '../fetch/target-policy.ts';

/** Where an issuer is asked about its tokens (RFC 7662). */
export interface IntrospectionEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** What an issuer says of a token: its claims, or that it does not count, or nothing just now; `busy`: it was not asked. */
export type Introspection = Result<JsonObject, 'inactive' | 'unavailable' | 'busy'>;

/** Asks about a token. Never rejects. */
export type Introspect = (token: string, priority: Priority) => Promise<Introspection>;

export interface IntrospectOptions {
  readonly fetch: SafeFetch;
  readonly issuer: string;
  readonly ca: string | undefined;
}

/**
 * Builds the question for one issuer. How many run at once, the fetcher limits by host; the others wait for their turn. A flood of made-up
 * tokens makes some answers `busy` instead of passing on to the issuer.
 */
export function createIntrospect(endpoint: IntrospectionEndpoint, options: IntrospectOptions): Introspect {
  const { fetch, issuer, ca } = options;
  const authorization = toBasicAuthorization(endpoint);
  return async (token, priority) => {
    const fetched = await fetch({
      url: endpoint.url,
      targets: configuredTargets,
      ca,
      form: { fields: { token, token_type_hint: 'access_token' }, authorization },
      priority,
    });
    if (!fetched.ok) return fail(fetched.error.kind === 'busy' ? 'busy' : 'unavailable');
    const { json } = fetched.value;
    if (json['active'] !== true) return fail('inactive');
    return json['iss'] === undefined || json['iss'] === issuer ? ok(json) : fail('inactive');
  };
}
