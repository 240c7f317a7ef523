import { readCredential, type Credential } from '../../auth/credential.ts';
import type { Principal } from '../../auth/principal.ts';
import type { TokenVerdict } from '../../auth/resource/token-verifier.ts';
import type { Fields } from '../../http/exchange.ts';
import { isCurrent, type RouteCheck, type TokenCheck } from '../access/route-access.ts';
import type { Exchange } from '../exchange.ts';
import { buildChallengeReply, type Reply } from '../reply.ts';

/** Finds out who calls. A challenge names an error only when a credential was sent (RFC 6750 section 3.1). */
export function createAuthenticateStage(): (
  exchange: Exchange,
) => Reply | undefined | Promise<Reply | undefined> {
  /** Who was behind fields that come again; whether that still holds is asked each time. */
  const recognised = new WeakMap<Fields, Recognised>();

  const accept = (exchange: Exchange, check: RouteCheck, known: Omit<Recognised, 'check'>): undefined => {
    const { fields, isRepeat } = exchange.request;
    exchange.principal = known.principal;
    exchange.token = known.token;
    if (isRepeat) recognised.set(fields, { ...known, check });
    return undefined;
  };
  const settle = (
    exchange: Exchange,
    { check, tokens, token }: { check: RouteCheck; tokens: TokenCheck; token: string },
    verdict: TokenVerdict,
  ): Reply | undefined => {
    const { challenger } = check;
    switch (verdict.kind) {
      case 'refused':
        return buildChallengeReply('E_AUTH_INVALID', challenger.invalid(verdict.refusal));
      case 'unavailable':
        return { kind: 'error', code: 'E_AUTH_UNAVAILABLE' };
      case 'accepted': {
        const { principal } = verdict;
        const { requiredScopes } = tokens;
        if (!requiredScopes.every((scope) => principal.scopes.includes(scope)))
          return buildChallengeReply('E_AUTH_SCOPE', challenger.insufficient([]));
        return accept(exchange, check, { principal, token: tokens.isKept ? token : undefined });
      }
    }
  };
  const judge = (
    exchange: Exchange,
    check: RouteCheck,
    credential: Credential,
  ): ReturnType<typeof authenticate> => {
    const { keys, tokens, challenger } = check;
    switch (credential.kind) {
      case 'none':
        return buildChallengeReply('E_AUTH_REQUIRED', challenger.missing());
      case 'ambiguous':
        return buildChallengeReply('E_AUTH_INVALID', challenger.invalid('malformed'));
      case 'key':
      case 'bearer': {
        const { kind, secret } = credential;
        const principal = keys?.verify(secret);
        if (principal !== undefined) return accept(exchange, check, { principal, token: undefined });
        if (kind === 'key' || tokens === undefined)
          return buildChallengeReply('E_AUTH_INVALID', challenger.invalid('key'));
        const verdict = tokens.verify(secret);
        const context = { check, tokens, token: secret };
        return verdict instanceof Promise
          ? verdict.then((late) => settle(exchange, context, late))
          : settle(exchange, context, verdict);
      }
    }
  };
  function authenticate(exchange: Exchange): Reply | undefined | Promise<Reply | undefined> {
    if (exchange.destination.kind !== 'mcp') return undefined;
    const { check } = exchange.destination.route.access;
    if (check === undefined) return undefined;
    const { fields, isRepeat, peer } = exchange.request;
    const { keys, certificates, tokens } = check;
    if (certificates !== undefined && peer.certificate !== undefined) {
      // The certificate belongs to the connection, so no field of a request can change who calls, and none is remembered.
      exchange.principal = certificates(peer.certificate);
      if (exchange.principal !== undefined) return undefined;
    }
    if (keys === undefined && tokens === undefined) return { kind: 'error', code: 'E_AUTH_CERTIFICATE' };
    const known = isRepeat ? recognised.get(fields) : undefined;
    if (known?.check === check && isCurrent(check, known.principal)) {
      exchange.principal = known.principal;
      exchange.token = known.token;
      return undefined;
    }
    return judge(exchange, check, readCredential(fields));
  }
  return authenticate;
}

interface Recognised {
  readonly check: RouteCheck;
  readonly principal: Principal;
  readonly token: string | undefined;
}
