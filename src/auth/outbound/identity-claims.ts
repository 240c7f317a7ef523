import { hash } from 'node:crypto';
import type { Principal } from '../principal.ts';

/** What a token of the gateway says about a caller (RFC 9068 section 2.2, RFC 9493 for `sub_id`). */
export interface IdentityClaims {
  /** One for each person or program, and no other, among all tokens of the gateway. */
  readonly sub: string;
  readonly client_id: string;
  /** Issuer and subject as the caller's own token names them. */
  readonly sub_id?: { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string };
  /** Separated by spaces. */
  readonly scope?: string;
  readonly groups?: readonly string[];
  /** Lists that were left out because they are too long. They are never cut short: half a list looks like a whole one. */
  readonly omitted?: readonly ('scope' | 'groups')[];
}

/** Longest subject or client id, in UTF-16 units; a longer one is replaced by its digest. */
const longestName = 512;
/** Longest list of scopes or groups, in UTF-8 bytes: common servers take 8 to 16 KiB of header fields. */
const longestList = 3072;

/** Stands for the callers of a route without authentication. */
const anonymous: IdentityClaims = { sub: 'anonymous', client_id: 'anonymous' };

/** Subjects that the gateway itself forms, and no issuer may. */
const reservedSubject = /^(?:anonymous$|(?:key|certificate|token|sha256):)/;

/**
 * Builds the claims for a principal. Subjects are only unique within their issuer (RFC 7519 section 4.1.2), and all tokens of the gateway
 * have one: so subjects of several issuers get the issuer in front (`https://idp.example.com|alice`), and so does one that looks like the
 * name of a key or certificate.
 */
export function buildIdentityClaims(
  principal: Principal | undefined,
  soleIssuer: string | undefined,
): IdentityClaims {
  if (principal === undefined) return anonymous;
  const { issuer, subject, client, id, scopes, groups } = principal;
  const scope = scopes.join(' ');
  const omitted: ('scope' | 'groups')[] = [];
  if (Buffer.byteLength(scope) > longestList) omitted.push('scope');
  if (Buffer.byteLength(JSON.stringify(groups)) > longestList) omitted.push('groups');
  return {
    sub: toName(toSubject(principal, soleIssuer)),
    client_id: toName(client ?? id),
    ...(issuer === undefined || subject === undefined || subject.length > longestName
      ? {}
      : { sub_id: { format: 'iss_sub', iss: issuer, sub: subject } }),
    ...(scopes.length === 0 || omitted.includes('scope') ? {} : { scope }),
    ...(groups.length === 0 || omitted.includes('groups') ? {} : { groups }),
    ...(omitted.length === 0 ? {} : { omitted }),
  };
}

function toSubject(principal: Principal, soleIssuer: string | undefined): string {
  const { method, issuer, subject, id } = principal;
  if (method !== 'token' || issuer === undefined || subject === undefined) return id;
  return issuer === soleIssuer && !reservedSubject.test(subject) ? subject : `${issuer}|${subject}`;
}

function toName(text: string): string {
  return text.length > longestName ? `sha256:${hash('sha256', text, 'hex')}` : text;
}
