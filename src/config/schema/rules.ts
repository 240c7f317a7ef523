import { z } from 'zod';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { RuleConfig } from '../config.ts';
import { failValue, findChoice, parsedField, type FieldProblem } from './field.ts';
import {
  callerPatternsSchema,
  claimPatternsSchema,
  methodPatternsSchema,
  namePatternsSchema,
  uriPatternsSchema,
} from './patterns.ts';
import { scopesSchema } from './scopes.ts';

const whoSchema = z.strictObject({
  principals: callerPatternsSchema
    .optional()
    .describe('Callers by name: `key:ci`, `certificate:*`, or `anonymous` for one without identity.'),
  issuers: callerPatternsSchema.optional().describe('Issuers of tokens.'),
  subjects: callerPatternsSchema
    .optional()
    .describe('Subjects: users or services, as their issuer names them.'),
  clients: callerPatternsSchema.optional().describe('OAuth clients.'),
  groups: callerPatternsSchema.optional().describe('Groups, of which the caller has to be in one.'),
  claims: z
    .preprocess(refuseDropped, z.record(z.string().min(1), claimPatternsSchema))
    .optional()
    .describe('Claims of the token and the values they may have; `a.b` is the claim `b` in the claim `a`.'),
});

/** Against a rule that becomes one for everyone: the parser of mappings drops this name in silence. */
function refuseDropped(claims: unknown, context: z.RefinementCtx): unknown {
  if (typeof claims === 'object' && claims !== null && Object.hasOwn(claims, '__proto__')) {
    const { error: problem } = failValue('names a claim that no token has', 'leave out `__proto__`');
    context.addIssue({ code: 'custom', message: problem.predicate, params: { problem } });
  }
  return claims;
}

/** No list asks for anything. */
export const everyone: RuleConfig['who'] = {
  principals: [],
  issuers: [],
  subjects: [],
  clients: [],
  groups: [],
  claims: {},
};

const effectSchema = z.union([z.literal(true), namePatternsSchema], {
  error: '`true`, or a list of tools',
});

const writtenSchema = z.strictObject({
  allow: effectSchema
    .optional()
    .describe('`true` allows what the rule names, and everything when it names nothing; a list names tools.'),
  deny: effectSchema.optional().describe('The same, denied.'),
  who: parsedField(whoSchema, parseWho)
    .optional()
    .describe('Callers that the rule is about: those who fit every list that is given. Default: everyone.'),
  methods: methodPatternsSchema.optional().describe('Methods of MCP, such as `tools/call`. Default: all.'),
  tools: namePatternsSchema
    .optional()
    .describe('Names of tools; `*` stands for any characters. A rule that names any is about these alone.'),
  prompts: namePatternsSchema.optional().describe('Names of prompts, as `tools`.'),
  resources: uriPatternsSchema.optional().describe('URIs of resources, as `tools`.'),
  scopes: scopesSchema
    .optional()
    .describe('Scopes that the caller needs, all of them, for an `allow` to hold.'),
});

/** The rules of one route, first to last. */
export const rulesSchema: z.ZodType<readonly RuleConfig[]> = z
  .array(parsedField(writtenSchema, parseRule))
  .min(1);

type WrittenWho = z.infer<typeof whoSchema>;

function parseWho(who: WrittenWho): Result<RuleConfig['who'], FieldProblem> {
  const { claims = {}, ...lists } = who;
  const given = Object.entries(lists).filter(([, list]) => list !== undefined);
  if (given.length === 0 && Object.keys(claims).length === 0) {
    return failValue('names nobody', 'leave `who` out for everyone');
  }
  return ok({ ...everyone, ...Object.fromEntries(given), claims });
}

function parseRule(rule: z.infer<typeof writtenSchema>): Result<RuleConfig, FieldProblem> {
  const { who = everyone, methods = [], prompts = [], resources = [], scopes = [] } = rule;
  const choice = findChoice(rule, ['allow', 'deny']);
  if (choice !== undefined) return fail(choice);
  const effect = rule.allow === undefined ? 'deny' : 'allow';
  const named = rule[effect];
  if (Array.isArray(named) && rule.tools !== undefined) {
    return fail({
      code: 'E_CONFIG_CONFLICT',
      predicate: 'has two lists of tools',
      label: `one after \`${effect}\` and one after \`tools\``,
      fix: `write \`${effect}: true\` with \`tools\`, or move all into one list`,
    });
  }
  if (effect === 'deny' && scopes.length > 0) {
    return fail({
      code: 'E_CONFIG_CONFLICT',
      predicate: 'denies, and asks for scopes',
      label: 'scopes belong to an `allow`',
      fix: 'write `allow` with these scopes: callers without them are refused by it',
    });
  }
  const tools = named === true || named === undefined ? (rule.tools ?? []) : named;
  return ok({ effect, who, methods, tools, prompts, resources, scopes });
}
