import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

/** A list of OAuth scopes. */
export const scopesSchema: z.ZodType<readonly string[]> = z.array(parsedField(z.string(), parseScope));

/** RFC 6749 section 3.3; a space would make two of one. */
function parseScope(text: string): Result<string, FieldProblem> {
  return /^[!#-[\]-~]{1,256}$/.test(text)
    ? ok(text)
    : failValue('is not a scope', 'one word such as `tools:read`; several are a list');
}
