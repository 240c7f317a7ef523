import type { Decision, CompiledRule, RuleSet } from './compile.ts';
import { decide, findFlaw, hasScopes, isOperation, type Question } from './decide.ts';
import { isOpenMethod } from './open-methods.ts';
import { toOtherSpelling } from './resource-uri.ts';

/** What one rule had to say. */
export interface ExplainedStep {
  /** Its place in the list, from 0. */
  readonly rule: number;
  readonly matched: boolean;
  /** One clause, for people. */
  readonly because: string;
}

export interface Explanation {
  readonly decision: Decision;
  /** The rules in order, up to the one that decides. Empty when none was asked. */
  readonly steps: readonly ExplainedStep[];
  /** What the decision means, one sentence without a final stop. */
  readonly summary: string;
}

/** Decides as `decide` does, and says of each rule on the way why it did or did not. */
export function explainDecision(set: RuleSet, question: Question): Explanation {
  const decision = decide(set, question);
  const flaw = findFlaw(question);
  if (flaw !== undefined) {
    return { decision, steps: [], summary: `denied whatever the rules say, because ${flaw}` };
  }
  const steps: ExplainedStep[] = [];
  for (const rule of set.rules) {
    const reason = findReason(rule, question);
    const matched = rule.index === decision.rule;
    steps.push({ rule: rule.index, matched, because: reason ?? describeMatch(rule, question) });
    if (matched) break;
  }
  return { decision, steps, summary: describeDecision(decision) };
}

/** As lines of text, rules counted from 1. */
export function renderExplanation({ steps, summary }: Pick<Explanation, 'steps' | 'summary'>): string {
  const lines = steps.map(
    ({ rule, matched, because }) =>
      `  rule ${rule + 1} ${matched ? 'decides' : 'does not apply'}: ${because}\n`,
  );
  return `${lines.join('')}  ${summary}\n`;
}

function describeDecision(decision: Decision): string {
  switch (decision.kind) {
    case 'allow':
      return `allowed by rule ${decision.rule + 1}`;
    case 'deny':
      return decision.rule === undefined
        ? 'denied, because no rule allows it'
        : `denied by rule ${decision.rule + 1}`;
    case 'scopes':
      return `rule ${decision.rule + 1} would allow it with the scopes ${quote(decision.scopes)}`;
  }
}

/** Why a rule does not apply; `undefined` when it does. */
function findReason(compiled: CompiledRule, question: Question): string | undefined {
  const { rule, who } = compiled;
  const wrong = who.find(({ fits }) => !fits(question.principal));
  if (wrong !== undefined) return `the ${wrong.what} is none of ${quote(wrong.patterns)}`;
  const { method, name, kind } = question;
  if (kind === 'none' && isOpenMethod(method)) {
    if (compiled.spelledMethods.has(method) || rule.effect === 'allow' || compiled.isBlanket)
      return undefined;
    return `\`${method}\` is open to callers who may do anything, and this rule denies only a part`;
  }
  if (compiled.methods?.(method) === false)
    return `\`${method}\` is none of the methods ${quote(rule.methods)}`;
  const other = kind === 'resource' ? toOtherSpelling(name ?? '') : undefined;
  if (isOperation(compiled, { question, other })) return undefined;
  const patterns = { tool: rule.tools, prompt: rule.prompts, resource: rule.resources, none: [] }[kind];
  if (patterns.length === 0)
    return `it is not about ${kind === 'none' ? 'methods without names' : `${kind}s`}`;
  return `\`${name ?? ''}\` is none of the ${kind}s ${quote(patterns)}`;
}

function describeMatch(compiled: CompiledRule, { principal, method, kind }: Question): string {
  const { effect } = compiled.rule;
  if (kind === 'none' && isOpenMethod(method) && !compiled.spelledMethods.has(method)) {
    return effect === 'allow'
      ? `it allows this caller something, and \`${method}\` is open to such callers`
      : 'it denies this caller everything';
  }
  return effect === 'deny' || hasScopes(compiled, principal)
    ? 'caller and operation fit'
    : 'caller and operation fit, but a scope is missing';
}

function quote(patterns: readonly string[]): string {
  return patterns.map((pattern) => `\`${pattern}\``).join(', ');
}
