import { z } from 'zod';
import { formatByteSize, parseByteSize } from '../../lib/byte-size.ts';
import { formatDuration, longestDuration, parseDuration } from '../../lib/duration.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { fail, ok, type Result } from '../../lib/result.ts';

/** Why a value of the right kind cannot be used. */
export interface FieldProblem {
  readonly code: ErrorCode;
  /** Follows the name of the setting: `is not a duration`. */
  readonly predicate: string;
  readonly label: string;
  readonly fix?: string;
}

export function isFieldProblem(value: unknown): value is FieldProblem {
  return typeof value === 'object' && value !== null && 'predicate' in value && 'label' in value;
}

/** A field that is read by a pure parser; its problem travels in the issue and becomes a diagnostic. */
export function parsedField<Input, Output>(
  schema: z.ZodType<Input>,
  parse: (value: Input) => Result<Output, FieldProblem>,
): z.ZodType<Output> {
  return schema.transform((value, context) => {
    const result = parse(value);
    if (result.ok) return result.value;
    context.addIssue({ code: 'custom', message: result.error.predicate, params: { problem: result.error } });
    return z.NEVER;
  });
}

interface DurationOptions {
  readonly description: string;
  readonly min?: number;
  readonly max?: number;
}

/** A text with a unit, as milliseconds, at least `min` and at most `max` of them. */
export function durationField(
  options: DurationOptions & { readonly default: string },
): z.ZodPrefault<z.ZodType<number>> {
  return readDuration(options).prefault(options.default).describe(options.description);
}

/** The same for what is off when it is not given. */
export function optionalDurationField(options: DurationOptions): z.ZodOptional<z.ZodType<number>> {
  return readDuration(options).optional().describe(options.description);
}

function readDuration({ min = 1, max = longestDuration }: DurationOptions): z.ZodType<number> {
  const text = z.string({ error: 'a duration such as `30s`' }).meta({ pattern: '^[0-9]{1,10}(ms|s|m|h|d)$' });
  return parsedField(text, (value): Result<number, FieldProblem> => {
    const duration = parseDuration(value, Math.max(max, longestDuration));
    if (!duration.ok) return failValue('is not a duration', duration.error);
    if (duration.value < min) return failValue('is too short', `at least \`${formatDuration(min)}\``);
    if (duration.value > max) return failValue('is too long', `at most \`${formatDuration(max)}\``);
    return ok(duration.value);
  });
}

/** A text with a unit, as bytes. */
export function byteSizeField(options: {
  default: string;
  description: string;
  min: number;
  max: number;
}): z.ZodPrefault<z.ZodType<number>> {
  const { min, max } = options;
  const text = z
    .string({ error: 'a size such as `16KiB`' })
    .meta({ pattern: '^[0-9]{1,15}(B|KiB|MiB|GiB)$' });
  return parsedField(text, (value): Result<number, FieldProblem> => {
    const size = parseByteSize(value);
    if (!size.ok) return failValue('is not a size', size.error);
    if (size.value >= min && size.value <= max) return ok(size.value);
    return failValue('is out of range', `between \`${formatByteSize(min)}\` and \`${formatByteSize(max)}\``);
  })
    .prefault(options.default)
    .describe(options.description);
}

export function countField(options: {
  default: number;
  description: string;
  min: number;
  max: number;
}): z.ZodPrefault<z.ZodType<number>> {
  return z.int().min(options.min).max(options.max).prefault(options.default).describe(options.description);
}

export function switchField(description: string, byDefault: boolean): z.ZodPrefault<z.ZodType<boolean>> {
  return z.boolean().prefault(byDefault).describe(description);
}

/** The problem of a mapping that has to have exactly one of these keys, or `undefined`. */
export function findChoice(
  value: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): FieldProblem | undefined {
  const given = keys.filter((key) => value[key] !== undefined);
  if (given.length === 1) return undefined;
  const [all, some] = [keys, given].map((names) => names.map((name) => `\`${name}\``));
  return {
    code: 'E_CONFIG_CONFLICT',
    predicate: given.length === 0 ? 'does not say what it is' : `is ${some?.join(' and ')} at once`,
    label: `needs exactly one of ${all?.join(', ')}`,
    fix: given.length === 0 ? `add one of ${all?.join(', ')}` : `keep one of ${some?.join(', ')}`,
  };
}

/** The failure of a parser whose value has the right kind but not the right form or range. */
export function failValue(
  predicate: string,
  label: string,
): { readonly ok: false; readonly error: FieldProblem } {
  return fail({ code: 'E_CONFIG_VALUE', predicate, label });
}
