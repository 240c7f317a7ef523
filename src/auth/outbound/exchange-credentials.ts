import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { fail, ok } from '../../lib/result.ts';
import { toBasicAuthorization } from '../basic-authorization.ts';
import type { Principal } from '../principal.ts';
import type { OutboundCredentials, OutboundFields } from './credentials.ts';
import { isTokenEndpoint, type PostForm } from './post-form.ts';
import { parseTokenAnswer } from './token-answer.ts';

export interface ExchangeConfig {
  /** An https URL, or one of this machine. */
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** `undefined`: the upstream's URL. */
  readonly audience: string | undefined;
  /** Asked for; empty: whatever the endpoint gives. */
  readonly scopes: readonly string[];
}

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly upstream: string;
  readonly post: PostForm;
}

interface KnownAnswer {
  readonly fields: OutboundFields;
  /** Wall-clock milliseconds. */
  readonly endsAt: number;
}

const bearer = 'authorization';
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
/** For answers that do not say how long they last. */
const defaultLifetime = 60_000;
/** So much before its end a token is exchanged anew, or after nine tenths of a short life. */
const margin = 30_000;
/** How long a refusal or an outage is remembered, so that one caller cannot make the endpoint busy. */
const failureLifetime = 5000;
/** Bytes of all that is remembered. */
const largestCache = 16 * 1_048_576;
const entryOverhead = 512;

/**
 * Another token for the caller's own, from a token endpoint that the operator names (RFC 8693). It is the one place where a client's token
 * leaves the gateway, and it goes to that endpoint alone, over TLS or within the machine. Throws a GatewayError (E_CONFIG_VALUE) for any other URL.
 */
export function createExchangeCredentials(
  config: ExchangeConfig,
  options: ExchangeOptions,
): OutboundCredentials {
  const { clock, post } = options;
  if (!isTokenEndpoint(config.tokenEndpoint))
    throw new GatewayError('E_CONFIG_VALUE', 'the token endpoint of an exchange has to be an https:// URL');
  const authorization = toBasicAuthorization(config);
  const known = new LRUCache<string, KnownAnswer>({
    maxSize: largestCache,
    sizeCalculation: ({ fields }) => entryOverhead + (fields.ok ? (fields.value[1]?.length ?? 0) : 0),
  });
  const running = new Map<string, Promise<OutboundFields>>();

  const ask = async (principal: Principal, token: string): Promise<KnownAnswer> => {
    const startedAt = clock.now();
    const toFailure = (reason: string): KnownAnswer => ({
      fields: fail({ code: 'E_UPSTREAM_CREDENTIALS', reason }),
      endsAt: clock.now() + failureLifetime,
    });
    try {
      const body = toForm(config, { token, upstream: options.upstream });
      const issued = parseTokenAnswer(await post({ url: config.tokenEndpoint, body, authorization }));
      if (!issued.ok) return toFailure(issued.error);
      const lifetime = issued.value.lifetime ?? defaultLifetime;
      const endsAt = startedAt + lifetime - Math.min(margin, lifetime / 10);
      return {
        fields: ok([bearer, `Bearer ${issued.value.token}`]),
        endsAt: Math.min(endsAt, principal.expiresAt ?? Infinity),
      };
    } catch (error) {
      const reason = toErrorMessage(error);
      return toFailure(`the token endpoint cannot be reached: ${reason}`);
    }
  };
  const exchange = async (key: string, principal: Principal, token: string): Promise<OutboundFields> => {
    const answer = await ask(principal, token);
    known.set(key, answer);
    running.delete(key);
    return answer.fields;
  };
  const notExchangeable: OutboundFields = fail({
    code: 'E_UPSTREAM_CREDENTIALS',
    reason: 'only callers with an OAuth token have something to exchange',
  });
  return {
    names: [bearer],
    fieldsFor(principal, token) {
      // An API key is a secret of this gateway, and no token endpoint has any use for it.
      if (principal?.method !== 'token' || token === undefined) return notExchangeable;
      const key = `${hash('sha256', token, 'base64url')} ${principal.id}`;
      const answer = known.get(key);
      if (answer !== undefined && clock.now() < answer.endsAt) return answer.fields;
      let waiting = running.get(key);
      if (waiting === undefined) {
        waiting = exchange(key, principal, token);
        running.set(key, waiting);
      }
      return waiting;
    },
  };
}

function toForm(
  config: ExchangeConfig,
  { token, upstream }: { readonly token: string; readonly upstream: string },
): string {
  const form = new URLSearchParams({
    grant_type: grantType,
    subject_token: token,
    subject_token_type: accessTokenType,
    requested_token_type: accessTokenType,
    audience: config.audience ?? upstream,
  });
  if (config.scopes.length > 0) form.set('scope', config.scopes.join(' '));
  return form.toString();
}
