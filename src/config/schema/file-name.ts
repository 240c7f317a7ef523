import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';

/** A file name as it is written; relative ones are resolved later, against the file or the working directory. */
export const fileNameSchema: z.ZodType<string> = parsedField(z.string(), parseFileName);

/** The name of an environment variable that holds a secret. */
export const variableNameSchema: z.ZodType<string> = parsedField(z.string(), parseVariableName);

function parseFileName(text: string): Result<string, FieldProblem> {
  return text === '' || text.includes('\0') ? failValue('is not a file name', 'a file name') : ok(text);
}

/** The value is never repeated in a message: people write the secret itself here. */
function parseVariableName(text: string): Result<string, FieldProblem> {
  return /^[A-Za-z_]\w{0,127}$/.test(text)
    ? ok(text)
    : failValue('is not the name of a variable', 'letters, digits and `_`; not the secret itself');
}
