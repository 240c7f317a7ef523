import { compilePatterns, type Matcher } from '../../lib/pattern.ts';
import { findClaim } from '../claim.ts';
import type { Principal } from '../principal.ts';
import type { RuleWho } from './rule.ts';

/** One thing a rule asks of a caller. */
export interface WhoTest {
  /** For people: `group`, `claim department`. */
  readonly what: string;
  readonly patterns: readonly string[];
  readonly fits: (principal: Principal | undefined) => boolean;
}

const ANONYMOUS = 'anonymous';

/** What a rule asks of a caller; all of it must fit, and an empty list fits everyone. */
export function compileWho(who: RuleWho): readonly WhoTest[] {
  const tests = [
    toTest('principal', who.principals, fitsIdentity),
    toTest('issuer', who.issuers, (principal, matches) => isText(principal?.issuer, matches)),
    toTest('subject', who.subjects, (principal, matches) => isText(principal?.subject, matches)),
    toTest('client', who.clients, (principal, matches) => isText(principal?.client, matches)),
    toTest('group', who.groups, (principal, matches) => principal?.groups.some(matches) === true),
    ...Object.entries(who.claims).map(([name, patterns]) =>
      toTest(`claim ${name}`, patterns, (principal, matches) =>
        isClaim(findClaim(principal?.claims ?? {}, name), matches),
      ),
    ),
  ];
  return tests.filter((test) => test !== undefined);
}

function toTest(
  what: string,
  patterns: readonly string[],
  fits: (principal: Principal | undefined, matches: Matcher, patterns: readonly string[]) => boolean,
): WhoTest | undefined {
  const matches = compilePatterns(patterns);
  if (matches === undefined) return undefined;
  return { what, patterns, fits: (principal) => fits(principal, matches, patterns) };
}

/** `*` means everyone who is known: strangers are let in only where a rule says so in so many letters. */
function fitsIdentity(
  principal: Principal | undefined,
  matches: Matcher,
  patterns: readonly string[],
): boolean {
  return principal === undefined ? patterns.includes(ANONYMOUS) : matches(principal.id);
}

function isText(text: string | undefined, matches: Matcher): boolean {
  return text !== undefined && matches(text);
}

/** A list fits when one of its values does. Objects have no one spelling and fit nothing. */
function isClaim(value: unknown, matches: Matcher): boolean {
  if (Array.isArray(value)) return value.some((entry) => isScalar(entry) && matches(String(entry)));
  return isScalar(value) && matches(String(value));
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
