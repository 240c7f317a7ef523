import { compilePatterns, type Matcher } from '../../lib/pattern.ts';
import type { Principal } from '../principal.ts';
import { toOtherSpelling } from './resource-uri.ts';
import type { OperationKind, Rule } from './rule.ts';
import { compileWho, type WhoTest } from './who.ts';

/** What becomes of an operation. `rule` counts from 0; `undefined` when no rule fits, which denies. */
export type Decision =
  | { readonly kind: 'allow'; readonly rule: number }
  | { readonly kind: 'deny'; readonly rule: number | undefined }
  /** All scopes the operation needs, those that the caller has included; hierarchies among them are the client's affair. */
  | { readonly kind: 'scopes'; readonly scopes: readonly string[]; readonly rule: number };

export interface CompiledRule {
  /** Its place in the list. */
  readonly index: number;
  readonly rule: Rule;
  readonly who: readonly WhoTest[];
  readonly methods: Matcher | undefined;
  /** Per kind the names it speaks of; `undefined` when all, and never fitting when it speaks of other kinds alone. */
  readonly names: { readonly [kind in OperationKind]: Matcher | undefined };
  /** Methods that it names word for word, and no names within them. */
  readonly spelledMethods: ReadonlySet<string>;
  /** Whether it is about everything a caller can do. */
  readonly isBlanket: boolean;
  /** Made once, so that a decision costs no memory. */
  readonly outcome: { readonly held: Decision; readonly lacksScopes: Decision };
}

/** The rules of one route, ready to decide. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[];
}

const nothing: Matcher = () => false;

/** Compiles the rules of a route, first to last. An empty list is a list: it denies everything. */
export function compileRules(rules: readonly Rule[]): RuleSet {
  return { rules: rules.map(compileRule) };
}

/** The rules that are about one caller, no longer asking who calls. Decides on that caller as the whole set does. */
export function narrowRules(set: RuleSet, principal: Principal | undefined): RuleSet {
  return {
    rules: set.rules.filter(({ who }) => isWho(who, principal)).map((rule) => ({ ...rule, who: [] })),
  };
}

export function isWho(who: readonly WhoTest[], principal: Principal | undefined): boolean {
  for (const test of who) if (!test.fits(principal)) return false;
  return true;
}

function compileRule(rule: Rule, index: number): CompiledRule {
  const { effect, methods, tools, prompts, resources, scopes } = rule;
  const hasNames = tools.length + prompts.length + resources.length > 0;
  const toNames = (patterns: readonly string[]): Matcher | undefined =>
    hasNames ? (compilePatterns(patterns) ?? nothing) : undefined;
  const held: Decision = { kind: effect, rule: index };
  return {
    index,
    rule,
    who: compileWho(rule.who),
    methods: compilePatterns(methods),
    names: {
      tool: toNames(tools),
      prompt: toNames(prompts),
      resource: toNames(effect === 'deny' ? resources.flatMap(toSpellings) : resources),
      none: toNames([]),
    },
    spelledMethods: new Set(hasNames ? [] : methods),
    isBlanket: !hasNames && methods.length === 0,
    outcome: {
      held,
      lacksScopes: effect === 'deny' || scopes.length === 0 ? held : { kind: 'scopes', scopes, rule: index },
    },
  };
}

/** A `deny` means the URI however it is written; see `isOperation`. */
function toSpellings(pattern: string): string[] {
  return [pattern, toOtherSpelling(pattern) ?? pattern];
}
