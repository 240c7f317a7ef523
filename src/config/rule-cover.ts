import { compilePatterns } from '../lib/pattern.ts';
import type { RuleConfig } from './config.ts';

/** Whether every caller and operation that fits the later rule fits the earlier one too, so that the later never decides. */
export function covers(earlier: RuleConfig, later: RuleConfig): boolean {
  return (
    coversWho(earlier.who, later.who) &&
    coversList(earlier.methods, later.methods) &&
    (!hasNames(earlier) ||
      (hasNames(later) &&
        names.every((kind) => later[kind].length === 0 || coversPatterns(earlier[kind], later[kind]))))
  );
}

const names = ['tools', 'prompts', 'resources'] as const;

function hasNames(rule: RuleConfig): boolean {
  return names.some((kind) => rule[kind].length > 0);
}

function coversWho(earlier: RuleConfig['who'], later: RuleConfig['who']): boolean {
  // `*` is not the caller without identity; that one has to be named.
  const isStranger = (pattern: string): boolean => pattern === 'anonymous';
  if (earlier.principals.length > 0) {
    if (later.principals.some(isStranger) && !earlier.principals.some(isStranger)) return false;
    if (!coversList(earlier.principals, later.principals)) return false;
  }
  return (
    (['issuers', 'subjects', 'clients', 'groups'] as const).every((list) =>
      coversList(earlier[list], later[list]),
    ) &&
    Object.entries(earlier.claims).every(([claim, patterns]) =>
      coversList(patterns, Object.hasOwn(later.claims, claim) ? (later.claims[claim] ?? []) : []),
    )
  );
}

/** An empty list asks for nothing. */
function coversList(earlier: readonly string[], later: readonly string[]): boolean {
  return earlier.length === 0 || (later.length > 0 && coversPatterns(earlier, later));
}

/** A `*` in a later pattern is met by none but a `*` in an earlier one, so that what it may stand for is met as well. */
function coversPatterns(earlier: readonly string[], later: readonly string[]): boolean {
  const matches = compilePatterns(earlier);
  return matches !== undefined && later.every(matches);
}
