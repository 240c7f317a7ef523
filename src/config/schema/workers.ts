import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { ok, fail, type Result } from '../../lib/result.ts';
import { parsedField, type FieldProblem } from './field.ts';

const most = 64;
const range = `a number from 1 to ${most}, or \`auto\``;

/** How many processes carry traffic. The command line and the environment give it as text. */
export const workersSchema: z.ZodType<number> = parsedField(
  z.union([z.int().meta({ minimum: 1, maximum: most }), z.string()], { error: range }),
  parseWorkers,
)
  .prefault(1)
  .meta({
    description: `Processes that carry traffic; \`auto\` is one for each core this process may use. A worker that dies is replaced, and costs its own connections alone. Default: 1.`,
    examples: [1, 2, 'auto'],
  });

function parseWorkers(value: string | number): Result<number, FieldProblem> {
  if (value === 'auto') return ok(Math.min(most, availableParallelism()));
  const count = typeof value === 'number' ? value : /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (Number.isInteger(count) && count >= 1 && count <= most) return ok(count);
  return fail({ code: 'E_CONFIG_VALUE', predicate: 'is not a number of workers', label: `write ${range}` });
}
