import type { JsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { findClaim } from '../claim.ts';
import type { Principal } from '../principal.ts';
import type { TokenRefusal } from './challenge.ts';

/** Names of the claims that say so. A name that is no claim of the token may be a path, its parts joined by dots. */
export interface ClaimNames {
  readonly subject: string;
  readonly client: string;
  readonly scopes: string;
  readonly groups: string;
}

export interface ClaimRules {
  readonly issuer: string;
  readonly claims: ClaimNames;
  /** Of which one has to be the token's; see `toAudiences`. */
  readonly audiences: ReadonlySet<string>;
  /** Milliseconds by which clocks may differ. */
  readonly clockSkew: number;
  /** Whether the end may be left open: an issuer that is asked about its tokens says itself when they end. */
  readonly endsByItself: boolean;
}

const longestSubject = 1024;

/** The resource with and without a slash at the end: clients and servers write both (RFC 8707 says neither). */
export function toAudiences(resource: URL, more: readonly string[]): ReadonlySet<string> {
  const plain = `${resource.origin}${resource.pathname.replace(/\/$/, '')}`;
  return new Set([plain, `${plain}/`, ...more]);
}

/** Who the claims of a token speak of (RFC 9068 section 4, RFC 7662 section 2.2), if they count `now`, in wall-clock milliseconds. */
export function toTokenPrincipal(
  payload: JsonObject,
  rules: ClaimRules,
  now: number,
): Result<Principal, TokenRefusal> {
  const { issuer, claims, audiences, clockSkew } = rules;
  const { aud, exp, nbf, iat } = payload;
  // audience-confusion: a token for another server of the same issuer is not for this one (RFC 8707).
  if (![aud].flat().some((entry) => typeof entry === 'string' && audiences.has(entry)))
    return fail('audience');
  const isOpenEnded = exp === undefined && rules.endsByItself;
  if (!isOpenEnded && !isTime(exp)) return fail('claims');
  if ((nbf !== undefined && !isTime(nbf)) || (iat !== undefined && !isTime(iat))) return fail('claims');
  const expiresAt = isTime(exp) ? exp * 1000 + clockSkew : undefined;
  if (expiresAt !== undefined && expiresAt <= now) return fail('expired');
  for (const start of [nbf, iat]) if (isTime(start) && start * 1000 - clockSkew > now) return fail('early');
  const subject = findClaim(payload, claims.subject);
  if (typeof subject !== 'string' || subject === '' || subject.length > longestSubject) return fail('claims');
  const client = findClaim(payload, claims.client);
  if (client !== undefined && typeof client !== 'string') return fail('claims');
  const scopes = toNames(findClaim(payload, claims.scopes), ' ');
  const groups = toNames(findClaim(payload, claims.groups), undefined);
  if (scopes === undefined || groups === undefined) return fail('claims');
  return ok({
    method: 'token',
    id: `token:${JSON.stringify([issuer, subject, client ?? null])}`,
    name: subject,
    issuer,
    subject,
    client,
    scopes,
    groups,
    claims: payload,
    expiresAt,
  });
}

/** Seconds since the epoch (RFC 7519 section 2, NumericDate). */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** A list of names, or one text of them; `undefined` for anything else. */
function toNames(value: unknown, separator: string | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string')
    return (separator === undefined ? [value] : value.split(separator)).filter((name) => name !== '');
  const isList = Array.isArray(value) && value.every((entry) => typeof entry === 'string');
  return isList ? value : undefined;
}
