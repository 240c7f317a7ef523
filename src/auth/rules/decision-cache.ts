import type { Principal } from '../principal.ts';
import { narrowRules, type Decision, type RuleSet } from './compile.ts';
import { decide, type Question } from './decide.ts';
import type { OperationKind } from './rule.ts';

/** Decides as `decide` does, and remembers. */
export type Decider = (question: Question) => Decision;

/** Decisions kept for one caller. */
export const MAX_KEPT_DECISIONS = 512;
/** Longest name that is kept, in UTF-16 units. */
const MAX_KEPT_LENGTH = 256;

type ByName = Map<string | undefined, Decision>;

/** What is known of one caller: the rules about them, and the decisions made. */
interface Known {
  readonly set: RuleSet;
  readonly byKind: { readonly [kind in OperationKind]: Map<string, ByName> };
  kept: number;
}

/**
 * Remembers decisions by caller, method and name. A caller is known by the object, not by its id: two tokens of one subject may
 * carry different scopes. What is known of a caller goes when the object does, and all of it at once when names are too many,
 * so that whoever makes them up gains no memory.
 */
export function createDecider(set: RuleSet): Decider {
  const callers = new WeakMap<Principal, Known>();
  let stranger: Known | undefined;
  const findKnown = (principal: Principal | undefined): Known => {
    if (principal === undefined) return (stranger ??= createKnown(set, undefined));
    let known = callers.get(principal);
    if (known === undefined) {
      known = createKnown(set, principal);
      callers.set(principal, known);
    }
    return known;
  };
  return (question) => {
    const known = findKnown(question.principal);
    const kept = known.byKind[question.kind].get(question.method)?.get(question.name);
    return kept ?? decideAndKeep(known, question);
  };
}

function createKnown(set: RuleSet, principal: Principal | undefined): Known {
  return {
    set: narrowRules(set, principal),
    byKind: { tool: new Map(), prompt: new Map(), resource: new Map(), none: new Map() },
    kept: 0,
  };
}

function decideAndKeep(known: Known, question: Question): Decision {
  const { kind, method, name } = question;
  const decision = decide(known.set, question);
  if (method.length > MAX_KEPT_LENGTH || (name?.length ?? 0) > MAX_KEPT_LENGTH) return decision;
  if (known.kept === MAX_KEPT_DECISIONS) {
    for (const methods of Object.values(known.byKind)) methods.clear();
    known.kept = 0;
  }
  const methods = known.byKind[kind];
  let byName = methods.get(method);
  if (byName === undefined) {
    byName = new Map();
    methods.set(method, byName);
  }
  byName.set(name, decision);
  known.kept++;
  return decision;
}
