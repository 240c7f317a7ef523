import type { JWK } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../lib/clock.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { Priority } from '../fetch/host-slots.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import type { Principal } from '../principal.ts';
import type { TokenRefusal } from './challenge.ts';
import { createIntrospect, type Introspect, type IntrospectionEndpoint } from './introspection.ts';
import type { KeySet, KeySource } from './issuer-keys.ts';
import {
  hasSignature,
  isSignedToken,
  maxTokenLength,
  parseSignedToken,
  type SignedToken,
} from './signed-token.ts';
import { createTokenStatuses, revocationPace, type AskTokenStatus, type Pace } from './token-status.ts';
import { toAudiences, toTokenPrincipal, type ClaimNames, type ClaimRules } from './token-claims.ts';

/** What becomes of a token. */
export type TokenVerdict =
  | { readonly kind: 'accepted'; readonly principal: Principal }
  | { readonly kind: 'refused'; readonly refusal: TokenRefusal }
  /** Whoever could tell cannot be reached, and nothing that is known helps. */
  | { readonly kind: 'unavailable' };

/** Checks the access tokens of one route (OAuth 2.1 section 5.2, RFC 8725). */
export interface TokenVerifier {
  /** At once for a token that is known, with the same principal as before; else a promise, which never rejects. */
  verify(token: string): TokenVerdict | Promise<TokenVerdict>;
  /** Whether somebody whom `verify` returned may still come in. Cheap enough to be asked for all that is open, each second. */
  isCurrent(principal: Principal): boolean;
  /** A grant of the built-in server was revoked: its tokens count no more, from now on. */
  forgetGrant(grantId: string): void;
  close(): void;
}

export interface TrustedIssuer extends KeySource {
  readonly introspection: IntrospectionEndpoint | undefined;
  readonly algorithms: readonly string[];
  /** Besides those of all issuers. */
  readonly audiences: readonly string[];
  /** Accepted values of `typ`, lower case and without `application/`; empty: any. */
  readonly types: readonly string[];
  readonly claims: ClaimNames;
}

/** The built-in authorization server, seen from here. */
export interface OwnIssuer {
  readonly issuer: string;
  jwks(): { readonly keys: readonly JWK[] };
  hasGrant(grantId: string): Promise<boolean>;
}

export interface TokenVerifierOptions {
  /** Public URL of the route: the audience of its tokens. */
  readonly resource: URL;
  readonly oauth: {
    readonly issuers: readonly TrustedIssuer[];
    readonly audiences: readonly string[];
    readonly clockSkew: number;
  };
  readonly own: OwnIssuer | undefined;
  readonly keysOf: (source: KeySource) => KeySet;
  readonly fetch: SafeFetch;
  readonly clock: Clock;
  /** The store of the built-in server cannot be read; its tokens are not accepted then. */
  readonly onProblem: (error: unknown) => void;
}

/** Everything about one issuer that its tokens are checked with. */
interface Issuer {
  readonly rules: ClaimRules;
  readonly algorithms: readonly string[];
  readonly types: readonly string[];
  readonly keys: Pick<KeySet, 'find'>;
  readonly introspect: Introspect | undefined;
  readonly hasGrant: ((grantId: string) => Promise<boolean>) | undefined;
}

const mostKnown = 20_000;
const mostKnownCharacters = 32 * 1024 * 1024;
/** What a known token costs besides its text, in characters. */
const entryOverhead = 2048;
const mostRefused = 10_000;
/** How long the answer of an issuer holds that it does not know a token. */
const refusedFor = 10_000;

/**
 * For signatures: whoever has stolen a key chooses when its tokens end. Once its issuer has withdrawn it, they count on for two hours at
 * most: one for the check, one for the age of the keys that it is made with.
 */
const signaturePace: Pace = { askAgainAfter: 30 * 60_000, longestSilence: 60 * 60_000 };

/** What it means for a token in use that its issuer did not vouch for it. */
const askedAnswers = { inactive: 'ended', unavailable: 'unknown', busy: 'unasked' } as const;

const refuse = (refusal: TokenRefusal): TokenVerdict => ({ kind: 'refused', refusal });
const unavailable: TokenVerdict = { kind: 'unavailable' };

/**
 * Creates the check. Verified tokens are kept, so that a call costs one look-up; those that were refused are kept apart, so that a flood
 * of them pushes no good one out.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock } = options;
  const issuers = buildIssuers(options);
  const askable = [...issuers.values()].filter(({ introspect }) => introspect !== undefined);
  const statuses = createTokenStatuses({ clock });
  const known = new LRUCache<string, TokenVerdict & { kind: 'accepted' }>({
    max: mostKnown,
    maxSize: mostKnownCharacters,
    sizeCalculation: (_verdict, token) => token.length + entryOverhead,
  });
  const refused = new LRUCache<string, number>({
    max: mostRefused,
    maxSize: mostKnownCharacters,
    sizeCalculation: (_until, token) => token.length + 1,
  });
  const running = new Map<string, Promise<TokenVerdict>>();
  /** After a restart thousands come within a second, and are due again together. */
  const signaturesAgain = new SerialQueue();

  const isCurrent = (principal: Principal): boolean =>
    (principal.expiresAt ?? Infinity) > clock.now() && statuses.isActive(principal);

  async function judgeSigned(issuer: Issuer, token: SignedToken): Promise<TokenVerdict> {
    const { rules, algorithms, types, keys, hasGrant } = issuer;
    // alg-none, hs-confusion: the issuer's list decides, never the token.
    if (!algorithms.includes(token.algorithm)) return refuse('algorithm');
    if (types.length > 0 && !types.includes(token.type)) return refuse('type');
    const principal = toTokenPrincipal(token.payload, rules, clock.now());
    if (!principal.ok) return refuse(principal.error);
    const found = await keys.find(token.kid);
    if (found === undefined) return unavailable;
    if (!(await hasSignature(token, found))) return refuse('signature');
    if (hasGrant === undefined) {
      const askAgain: AskTokenStatus = async () => {
        // withdrawn-key: what it signed counts no more, whatever end was written into it.
        const current = await keys.find(token.kid);
        if (current === undefined) return 'ended';
        return (await signaturesAgain.run(() => hasSignature(token, current))) ? 'active' : 'ended';
      };
      statuses.watch(principal.value, askAgain, signaturePace);
      return { kind: 'accepted', principal: principal.value };
    }
    const { grant } = token.payload;
    if (typeof grant !== 'string' || !(await hasGrant(grant))) return refuse('inactive');
    const askAgain: AskTokenStatus = async () => {
      try {
        return (await hasGrant(grant)) ? 'active' : 'ended';
      } catch (error) {
        options.onProblem(error);
        return 'unknown';
      }
    };
    statuses.watch(principal.value, askAgain, revocationPace);
    return { kind: 'accepted', principal: principal.value };
  }

  async function judgeByAsking(
    { introspect, rules }: Issuer,
    token: string,
    priority: Priority,
  ): Promise<TokenVerdict> {
    if (introspect === undefined) return refuse('malformed');
    const answer = await introspect(token, priority);
    if (!answer.ok) return answer.error === 'inactive' ? refuse('inactive') : unavailable;
    const principal = toTokenPrincipal(answer.value, { ...rules, endsByItself: true }, clock.now());
    if (!principal.ok) return refuse(principal.error);
    const askAgain: AskTokenStatus = async () => {
      // introspection-flood: a token that counts is not ended by those that somebody makes up.
      const again = await introspect(token, 'high');
      return again.ok ? 'active' : askedAnswers[again.error];
    };
    statuses.watch(principal.value, askAgain, revocationPace);
    return { kind: 'accepted', principal: principal.value };
  }

  /** Each issuer that is asked about its tokens is asked about one whose issuer cannot be read. */
  async function judgeOpaque(token: string, priority: Priority): Promise<TokenVerdict> {
    let verdict = refuse('malformed');
    for (const issuer of askable) {
      const next = await judgeByAsking(issuer, token, priority);
      if (next.kind === 'accepted') return next;
      if (verdict.kind !== 'unavailable') verdict = next;
    }
    return verdict;
  }

  async function judge(token: string, priority: Priority): Promise<TokenVerdict> {
    if (!isSignedToken(token)) return judgeOpaque(token, priority);
    const parsed = parseSignedToken(token);
    if (!parsed.ok) return refuse(parsed.error);
    const { iss } = parsed.value.payload;
    const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined;
    if (issuer === undefined) return refuse('issuer');
    return issuer.introspect === undefined
      ? judgeSigned(issuer, parsed.value)
      : judgeByAsking(issuer, token, priority);
  }

  async function judgeAndKeep(token: string, priority: Priority): Promise<TokenVerdict> {
    try {
      const verdict = await judge(token, priority);
      if (verdict.kind === 'accepted') known.set(token, verdict);
      else if (verdict.kind === 'refused') {
        known.delete(token);
        if (verdict.refusal === 'inactive') refused.set(token, clock.monotonic() + refusedFor);
      }
      return verdict;
    } catch (error) {
      options.onProblem(error);
      return unavailable;
    } finally {
      running.delete(token);
    }
  }

  return {
    verify(token) {
      if (token.length > maxTokenLength) return refuse('malformed');
      const kept = known.get(token);
      if (kept !== undefined && isCurrent(kept.principal)) return kept;
      if ((refused.get(token) ?? 0) > clock.monotonic()) return refuse('inactive');
      let verdict = running.get(token);
      if (verdict === undefined) {
        // introspection-flood: who comes back after a while does not wait behind those that somebody makes up.
        verdict = judgeAndKeep(token, kept === undefined ? 'low' : 'high');
        running.set(token, verdict);
      }
      return verdict;
    },
    isCurrent,
    forgetGrant(grantId) {
      for (const [token, { principal }] of known.entries()) {
        if (principal.claims['grant'] !== grantId || principal.issuer !== options.own?.issuer) continue;
        statuses.end(principal);
        known.delete(token);
      }
    },
    close() {
      known.clear();
      refused.clear();
    },
  };
}

function buildIssuers({
  resource,
  oauth,
  own,
  keysOf,
  fetch,
}: TokenVerifierOptions): ReadonlyMap<string, Issuer> {
  const issuers = new Map<string, Issuer>();
  for (const { introspection, ...trusted } of oauth.issuers) {
    const { issuer, claims, algorithms, types, ca } = trusted;
    const audiences = toAudiences(resource, [...oauth.audiences, ...trusted.audiences]);
    issuers.set(issuer, {
      rules: { issuer, claims, audiences, clockSkew: oauth.clockSkew, endsByItself: false },
      algorithms,
      types,
      keys: keysOf(trusted),
      introspect: introspection && createIntrospect(introspection, { fetch, issuer, ca }),
      hasGrant: undefined,
    });
  }
  if (own !== undefined) {
    const { issuer } = own;
    issuers.set(issuer, {
      rules: {
        issuer,
        claims: ownClaims,
        audiences: toAudiences(resource, []),
        clockSkew: 0,
        endsByItself: false,
      },
      algorithms: ['ES256'],
      types: ['at+jwt'],
      keys: { find: async (kid) => own.jwks().keys.filter((key) => key.kid === kid) },
      introspect: undefined,
      hasGrant: (grantId) => own.hasGrant(grantId),
    });
  }
  return issuers;
}

const ownClaims: ClaimNames = { subject: 'sub', client: 'client_id', scopes: 'scope', groups: 'groups' };
