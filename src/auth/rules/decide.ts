import type { Principal } from '../principal.ts';
import { isWho, type CompiledRule, type Decision, type RuleSet } from './compile.ts';
import { isOpenMethod } from './open-methods.ts';
import { isPlainUri, toOtherSpelling } from './resource-uri.ts';
import type { OperationKind } from './rule.ts';

/** One operation, as the body that is forwarded says it. */
export interface Question {
  /** `undefined` where a route lets strangers in. */
  readonly principal: Principal | undefined;
  readonly method: string;
  /** Name of the tool or prompt, URI of the resource; `undefined` where the body has none or it is not a string. */
  readonly name: string | undefined;
  readonly kind: OperationKind;
}

/** Longest name that is compared, in UTF-16 units; a longer one is denied. */
export const MAX_NAME_LENGTH = 8192;

const denied: Decision = { kind: 'deny', rule: undefined };

/**
 * Decides on one operation. The first rule decides whose caller, method and name fit; an `allow` whose scopes the caller lacks
 * asks for them, and later rules are not heard. Nothing fits: denied.
 *
 * An open method (`open-methods.ts`) is decided by the first rule that fits the caller and either names the method word for word,
 * or allows anything at all, or denies everything. So a caller whom no rule allows anything cannot even begin a session, and a
 * rule that denies the rest at the end of a list keeps nobody out whom an earlier one lets in.
 *
 * Denied whatever the rules say: an operation that must name something and does not, a name that is longer than MAX_NAME_LENGTH
 * or holds NUL or half a surrogate pair, and a resource URI that hides where it leads (`isPlainUri`).
 */
export function decide(set: RuleSet, question: Question): Decision {
  const { principal, method, kind } = question;
  if (findFlaw(question) !== undefined) return denied;
  if (kind === 'none' && isOpenMethod(method)) return decideOpen(set, question);
  const other = kind === 'resource' ? toOtherSpelling(question.name ?? '') : undefined;
  for (const rule of set.rules) {
    if (!isWho(rule.who, principal) || !isOperation(rule, { question, other })) continue;
    return hasScopes(rule, principal) ? rule.outcome.held : rule.outcome.lacksScopes;
  }
  return denied;
}

/** Whether an entry is shown in a list: what may be called, and what the caller's client could get the scopes for. */
export function isShown(decision: Decision, principal: Principal | undefined): boolean {
  // Keys and certificates carry the scopes they carry; only a token can be exchanged for one with more.
  return decision.kind === 'allow' || (decision.kind === 'scopes' && principal?.method === 'token');
}

/** Why an operation is denied before any rule is asked, for people; `undefined` when it is not. */
export function findFlaw({ method, name, kind }: Question): string | undefined {
  if (kind !== 'none' && name === undefined) return `it names no ${kind}`;
  if (method.length > MAX_NAME_LENGTH || (name !== undefined && name.length > MAX_NAME_LENGTH)) {
    return `its name is longer than ${MAX_NAME_LENGTH} characters`;
  }
  // replacement-character: encoders write U+FFFD for half a surrogate pair, which makes it another name on the way.
  if (!method.isWellFormed() || name?.isWellFormed() === false) return 'its name is not well-formed Unicode';
  // truncation-smuggling: to servers that keep text as C strings a name ends at its first NUL.
  if (method.includes('\0') || name?.includes('\0') === true) return 'its name holds NUL';
  if (kind === 'resource' && !isPlainUri(name ?? '')) {
    return 'its URI holds a dot segment, a backslash or a control character, plain or encoded';
  }
  return undefined;
}

/**
 * Whether a rule is about the method and the name. deny-evasion: a server may read `FILE:///%73ecret` as `file:///secret`, so
 * that a `deny` is compared with that other spelling too.
 */
export function isOperation(
  { methods, names, rule }: CompiledRule,
  { question, other }: { readonly question: Question; readonly other: string | undefined },
): boolean {
  const { method, name, kind } = question;
  if (methods?.(method) === false) return false;
  const matches = names[kind];
  if (matches === undefined || matches(name ?? '')) return true;
  return rule.effect === 'deny' && other !== undefined && matches(other);
}

/** Whether the caller has all scopes that the rule asks for; a rule without scopes asks for none, even of callers nobody knows. */
export function hasScopes({ rule }: CompiledRule, principal: Principal | undefined): boolean {
  for (const scope of rule.scopes) if (principal?.scopes.includes(scope) !== true) return false;
  return true;
}

function decideOpen({ rules }: RuleSet, { principal, method }: Question): Decision {
  for (const rule of rules) {
    if (!isWho(rule.who, principal)) continue;
    if (rule.spelledMethods.has(method)) {
      return hasScopes(rule, principal) ? rule.outcome.held : rule.outcome.lacksScopes;
    }
    if (rule.rule.effect === 'allow' || rule.isBlanket) return rule.outcome.held;
  }
  return denied;
}
