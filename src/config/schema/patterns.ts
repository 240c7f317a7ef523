import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

// An empty list would ask for nothing and so mean everybody and everything: whoever writes one means the contrary.

/** Patterns of the names of tools and prompts. */
export const namePatternsSchema: z.ZodType<readonly string[]> = listOf(/[?[\]{}|\\^$]/);

/** Patterns of URIs, in which `?` and the brackets of an IPv6 address stand for themselves. */
export const uriPatternsSchema: z.ZodType<readonly string[]> = listOf(/[{}|\\^]|\[(?![\da-f:.]+\])/i);

/** Patterns of methods: `tools/*`. */
export const methodPatternsSchema: z.ZodType<readonly string[]> = listOf(/[^\w$./*-]/);

/** Patterns of who calls, in which no other character has a meaning. */
export const callerPatternsSchema: z.ZodType<readonly string[]> = listOf(undefined);

/** Patterns of the values of a claim, which are compared as text. */
export const claimPatternsSchema: z.ZodType<readonly string[]> = z
  .array(
    parsedField(z.union([z.string(), z.number(), z.boolean()], { error: 'text' }), (value) =>
      parsePattern(String(value), undefined),
    ),
  )
  .min(1);

function listOf(foreign: RegExp | undefined): z.ZodType<readonly string[]> {
  return z.array(parsedField(z.string(), (text) => parsePattern(text, foreign))).min(1);
}

/** Against rules that say nothing: signs of other pattern languages would be taken for themselves. */
function parsePattern(text: string, foreign: RegExp | undefined): Result<string, FieldProblem> {
  const problem = (label: string): Result<never, FieldProblem> => failValue('is not a pattern', label);
  if (text === '' || text.length > 1024) return problem('a name with at most 1024 characters, or `*`');
  if (/\p{Cc}/u.test(text) || !text.isWellFormed()) return problem('has a character that no name has');
  if (text.includes('**')) return problem('one `*` stands for any characters, `/` among them');
  if (foreign === undefined) return ok(text);
  if (text.startsWith('!')) return problem('`!` is not known; write a `deny` before the `allow`');
  const sign = foreign.exec(text)?.[0];
  return sign === undefined ? ok(text) : problem(`\`${sign}\` is not known; \`*\` is the only wildcard`);
}
