/** One entry of a route's rules, as configured. A pattern is text in which `*` stands for any characters; an empty list asks for nothing. */
export interface Rule {
  readonly effect: 'allow' | 'deny';
  readonly who: RuleWho;
  readonly methods: readonly string[];
  /** Patterns of names. With any of these three lists the rule speaks of the operations that they name and no others. */
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly resources: readonly string[];
  /** Scopes a caller must carry, all of them, for an `allow` to hold; without meaning on a `deny`. */
  readonly scopes: readonly string[];
}

/** Whom a rule is about: a caller who fits each list that is not empty. */
export interface RuleWho {
  /** Patterns of `Principal.id`. The word `anonymous` alone names a caller without identity; no pattern does. */
  readonly principals: readonly string[];
  readonly issuers: readonly string[];
  readonly subjects: readonly string[];
  readonly clients: readonly string[];
  readonly groups: readonly string[];
  /** Patterns by claim. A name that is no claim of the token may be a path, its parts joined by dots. */
  readonly claims: Readonly<Record<string, readonly string[]>>;
}

/** What an operation acts on; `none` where nothing is named, as in `tasks/get` or a method of an extension. */
export type OperationKind = 'tool' | 'prompt' | 'resource' | 'none';
