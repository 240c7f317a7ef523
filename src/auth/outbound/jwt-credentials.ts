import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { fail, ok } from '../../lib/result.ts';
import type { Principal } from '../principal.ts';
import type { OutboundCredentials, OutboundFields } from './credentials.ts';
import { buildIdentityClaims } from './identity-claims.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface JwtConfig {
  /** `undefined`: the upstream's URL. */
  readonly audience: string | undefined;
  /** Milliseconds from issue to expiry; an hour at most counts. */
  readonly lifetime: number;
}

export interface JwtOptions {
  readonly clock: Clock;
  readonly upstream: string;
  readonly issuer: string;
  readonly soleIssuer: string | undefined;
  readonly keys: SigningKeys;
}

/** All in wall-clock milliseconds. */
interface KnownToken {
  readonly fields: OutboundFields;
  readonly issuedAt: number;
  /** From here on a new one is made, while this one still serves. */
  readonly renewAt: number;
  /** From here on it does not: it would be about to expire on its way. */
  readonly staleAt: number;
}

/** Keys stay published for a day after their last use, which has to cover every token. */
const longestLifetime = 3_600_000;
const bearer = 'authorization';

/**
 * A short token about the caller, signed by the gateway (ES256, RFC 9068), for upstreams that check who calls. It is made once and used
 * for half of its life: `jti` names the token, not the request, and a stolen one is good at this upstream until it expires.
 */
export function createJwtCredentials(config: JwtConfig, options: JwtOptions): OutboundCredentials {
  const { clock, issuer, soleIssuer, keys } = options;
  const audience = config.audience ?? options.upstream;
  const lifetime = Math.max(1, Math.round(Math.min(config.lifetime, longestLifetime) / 1000));
  /** By principal object: one person with two tokens has two sets of scopes. They go when the cache of verified tokens lets go of them. */
  const known = new WeakMap<object, KnownToken>();
  const signing = new WeakMap<object, Promise<OutboundFields>>();
  const nobody = {};

  const sign = async (principal: Principal | undefined): Promise<OutboundFields> => {
    const { kid, privateJwk } = keys.current;
    const now = clock.now();
    const iat = Math.floor(now / 1000);
    const ownEnd = iat + lifetime;
    const callerEnd = Math.floor((principal?.expiresAt ?? Infinity) / 1000);
    // A token must not outlive the one it speaks for; one that ends within this second is over.
    if (callerEnd <= iat)
      return fail({ code: 'E_AUTH_INVALID', reason: 'the credential of the caller has expired' });
    const exp = Math.min(ownEnd, callerEnd);
    const claims = {
      ...buildIdentityClaims(principal, soleIssuer),
      iss: issuer,
      aud: audience,
      iat,
      exp,
      jti: randomUUID(),
    };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
      .sign(privateJwk);
    const fields: OutboundFields = ok([bearer, `Bearer ${token}`]);
    const life = exp * 1000 - now;
    const isLast = exp === callerEnd;
    known.set(principal ?? nobody, {
      fields,
      issuedAt: now,
      renewAt: isLast ? Infinity : now + life / 2,
      staleAt: isLast ? exp * 1000 : now + (life * 3) / 4,
    });
    return fields;
  };
  /** One signature at a time for each caller. */
  const renew = (principal: Principal | undefined): Promise<OutboundFields> => {
    const holder = principal ?? nobody;
    const running = signing.get(holder);
    if (running !== undefined) return running;
    const made = sign(principal)
      .catch((error: unknown): OutboundFields => {
        const reason = toErrorMessage(error);
        return fail({ code: 'E_INTERNAL', reason: `signing a token failed: ${reason}` });
      })
      .finally(() => signing.delete(holder));
    signing.set(holder, made);
    return made;
  };
  return {
    names: [bearer],
    fieldsFor(principal) {
      const token = known.get(principal ?? nobody);
      const now = clock.now();
      // A clock that was set back makes a token of the future, which nobody accepts.
      if (token === undefined || now >= token.staleAt || now < token.issuedAt) return renew(principal);
      if (now >= token.renewAt) void renew(principal);
      return token.fields;
    },
  };
}
