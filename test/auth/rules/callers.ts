import type { Principal } from '../../../src/auth/principal.ts';
import type { Rule } from '../../../src/auth/rules/rule.ts';

/** A caller with a token; what is not given is empty. */
export function toCaller(given: Partial<Principal> = {}): Principal {
  const { subject = 'alice', issuer = 'https://issuer.example.com', client = 'app' } = given;
  return {
    method: 'token',
    id: `token:${issuer} ${subject} ${client}`,
    name: subject,
    issuer,
    subject,
    client,
    scopes: [],
    groups: [],
    claims: {},
    expiresAt: undefined,
    ...given,
  };
}

/** A rule that asks for nothing but what is given. */
export function toRule(
  effect: Rule['effect'],
  given: Partial<Omit<Rule, 'who'>> & { readonly who?: Partial<Rule['who']> } = {},
): Rule {
  return {
    methods: [],
    tools: [],
    prompts: [],
    resources: [],
    scopes: [],
    ...given,
    effect,
    who: { principals: [], issuers: [], subjects: [], clients: [], groups: [], claims: {}, ...given.who },
  };
}
