import type { z } from 'zod';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { suggestion, toHint } from '../lib/suggestion.ts';
import type { KnownKeys } from './known-keys.ts';
import { maskSecrets } from './mask.ts';
import { isFieldProblem } from './schema/field.ts';
import { formatOwner, formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

type Issue = z.core.$ZodIssue;

export interface IssueContext {
  readonly tree: SourceTree;
  readonly knownKeys: KnownKeys;
}

/** Turns what the schema found into problems with places, one for each wrong key or value. */
export function toDiagnostics(issues: readonly Issue[], context: IssueContext): Diagnostic[] {
  return issues.flatMap((issue) => toProblems(issue, context));
}

function toProblems(issue: Issue, context: IssueContext): Diagnostic[] {
  const { path } = issue;
  const name = nameOf(path, context);
  const place = context.tree.place(path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => toUnknownKey([...path, key], context));
    case 'invalid_union':
      return toUnionProblems(issue, context);
    case 'invalid_type':
      return [toTypeProblem(path, expectation(issue), context)];
    case 'too_small':
    case 'too_big': {
      const bound = issue.code === 'too_big' ? `at most ${issue.maximum}` : `at least ${issue.minimum}`;
      const unit =
        issue.origin === 'array' ? `${bound} ${issue.code === 'too_big' ? 'entries' : 'entry'}` : bound;
      const message = `${name} is ${issue.code === 'too_big' ? 'too large' : 'too small'}`;
      return [{ severity: 'error', code: 'E_CONFIG_VALUE', message, label: unit, ...place }];
    }
    case 'invalid_value': {
      const value = context.tree.get(path);
      if (typeof value !== 'string') return [toTypeProblem(path, expectation(issue), context)];
      const values = issue.values.map(String);
      const meant = suggestion(value, values);
      const label = toHint(meant, `one of ${expectation(issue)}`);
      const message = `${name} is not one of its values`;
      return [{ severity: 'error', code: 'E_CONFIG_VALUE', message, label, ...place }];
    }
    case 'custom': {
      const problem: unknown = issue.params?.['problem'];
      if (!isFieldProblem(problem)) throw new TypeError('a custom issue carries no field problem');
      const { code, predicate, label, fix } = problem;
      const message = `${name} ${predicate}`;
      return [{ severity: 'error', code, message, label, ...(fix === undefined ? {} : { fix }), ...place }];
    }
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element': {
      const label = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
      return [
        { severity: 'error', code: 'E_CONFIG_VALUE', message: `${name} cannot be used`, label, ...place },
      ];
    }
  }
}

function toUnknownKey(path: readonly PropertyKey[], context: IssueContext): Diagnostic {
  const key = String(path.at(-1));
  const known = context.knownKeys(path.slice(0, -1));
  if (known.includes(key)) {
    return {
      severity: 'error',
      code: 'E_CONFIG_CONFLICT',
      message: `\`${key}\` cannot stand beside the other settings${formatOwner(path.slice(0, -1))}`,
      label: 'one of them is allowed',
      fix: `keep one of ${known.join(', ')}`,
      ...context.tree.place(path, 'key'),
    };
  }
  const meant = suggestion(key, known);
  return {
    severity: 'error',
    code: 'E_CONFIG_UNKNOWN_KEY',
    message: `\`${toOneLine(maskSecrets(key))}\` is not a setting${formatOwner(path.slice(0, -1))}`,
    label: toHint(meant, `known here: ${known.join(', ')}`),
    fix: `${meant === undefined ? 'remove' : 'rename'} the key, or run \`breakwater explain E_CONFIG_UNKNOWN_KEY\``,
    ...context.tree.place(path, 'key'),
  };
}

/** Keys of YAML may have several lines, messages have one. */
function toOneLine(key: string): string {
  return key.replaceAll(/\p{Cc}+/gu, ' ');
}

function toTypeProblem(path: readonly PropertyKey[], expected: string, context: IssueContext): Diagnostic {
  const name = nameOf(path, context);
  const value = context.tree.get(path);
  if (value === undefined) {
    const owner = path.slice(0, -1);
    const key = String(path.at(-1));
    return {
      severity: 'error',
      code: 'E_CONFIG_MISSING',
      message: `${name} is missing`,
      label: `needs \`${key}\``,
      fix: `add \`${key}\``,
      ...context.tree.place(owner, owner.length > 0 && typeof owner.at(-1) !== 'number' ? 'key' : 'value'),
    };
  }
  return {
    severity: 'error',
    code: 'E_CONFIG_TYPE',
    message: value === null ? `${name} has no value` : `${name} is ${kindOf(value)}`,
    label: `expected ${expected}`,
    ...(value === null ? { fix: 'give it a value, or remove the key for the default' } : {}),
    ...context.tree.place(path),
  };
}

/** Of the forms a value may take, speaks of the one that the value resembles; of all of them when it resembles none. */
function toUnionProblems(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  context: IssueContext,
): Diagnostic[] {
  const isForeign = (branch: readonly Issue[]): boolean => branch.some(isAboutWhole);
  const related = issue.errors.filter((branch) => !isForeign(branch));
  const resembling = related.find((branch) => !branch.some(isAboutKeys)) ?? related[0];
  if (resembling === undefined) {
    const forms = issue.errors.flatMap((branch) => branch.filter(isAboutWhole).map(expectation));
    const expected = ownWords(issue) ?? [...new Set(forms)].join(' or ');
    return [toTypeProblem(issue.path, expected, context)];
  }
  return resembling.flatMap((inner) =>
    toProblems({ ...inner, path: [...issue.path, ...inner.path] }, context),
  );
}

/** A mapping with keys that this form does not have may well be meant as another form. */
function isAboutKeys(issue: Issue): boolean {
  return issue.path.length === 0 && issue.code === 'unrecognized_keys';
}

function isAboutWhole(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  // A form that has forms itself is foreign to the value when all of them are.
  if (issue.code === 'invalid_union') return issue.errors.every((branch) => branch.some(isAboutWhole));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function nameOf(path: readonly PropertyKey[], context: IssueContext): string {
  const origin = context.tree.origin(path);
  const isOutside = origin.kind === 'flag' || origin.kind === 'environment';
  return `\`${isOutside ? origin.name : formatSettingName(path)}\``;
}

/** What the schema says it expects, where it says more than the name of a type. */
function ownWords(issue: Issue): string | undefined {
  return issue.message.startsWith('Invalid input') ? undefined : issue.message;
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_value') return issue.values.map((value) => `\`${String(value)}\``).join(', ');
  const expected = issue.code === 'invalid_type' ? issue.expected : '';
  const own = ownWords(issue);
  if (own !== undefined) return own;
  const words: { readonly [kind: string]: string } = {
    string: 'text',
    boolean: '`true` or `false`',
    array: 'a list',
    object: 'a mapping',
    int: 'a whole number',
    number: 'a whole number',
  };
  return words[expected] ?? expected;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'number':
    case 'bigint':
      return 'a number';
    case 'boolean':
      return `\`${String(value)}\``;
    case 'object':
      return 'a mapping';
    case 'undefined':
    case 'symbol':
    case 'function':
      return 'nothing a setting can be';
  }
}
