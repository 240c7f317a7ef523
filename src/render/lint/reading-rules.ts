import { firstArg, headOf, type Directive } from './directive.ts';
import type { LintEngine, LintRule } from './finding.ts';
import type { Span } from './source.ts';

/** What the models of engines that include files have in common. */
interface ReadModel {
  readonly unread: readonly { readonly directive: Directive; readonly reason: string }[];
  readonly endpoints: readonly unknown[];
  /** Where is told what concerns the whole file. */
  readonly anchor: Span;
}

export interface ReadingWords {
  readonly engine: LintEngine;
  /** As it calls itself. */
  readonly name: string;
  /** `included`, `imported`. */
  readonly included: string;
  /** The directive that takes up a file, as it is to be written. */
  readonly toInclude: (file: string) => string;
  /** What was looked for in vain. */
  readonly missing: string;
}

/** Rules on what could not be read or found, without which the others say nothing. */
export function buildReadingRules<Model extends ReadModel>(words: ReadingWords): readonly LintRule<Model>[] {
  const { engine, name, included, toInclude, missing } = words;
  return [
    {
      id: `${engine}-include-unread`,
      severity: 'info',
      requirement: 'current-directives',
      title: `an ${included} file was not read`,
      breaks: `what it says is not checked; ${name} does not start where it is missing on the server too`,
      check: ({ unread }) =>
        unread.map(({ directive, reason }) => ({
          at: headOf(directive),
          message: `\`${firstArg(directive)}\` ${reason}`,
          lines: [toInclude(firstArg(directive))],
        })),
    },
    buildNoEndpointRule(engine, missing),
  ];
}

/** `missing` says what was looked for in vain. */
export function buildNoEndpointRule<Model extends Pick<ReadModel, 'endpoints' | 'anchor'>>(
  engine: LintEngine,
  missing: string,
): LintRule<Model> {
  return {
    id: `${engine}-no-endpoint`,
    severity: 'info',
    requirement: 'exact-path',
    title: 'no MCP endpoint was found',
    breaks: 'nothing else was checked',
    check: ({ endpoints, anchor }) =>
      endpoints.length > 0
        ? []
        : [{ at: anchor, message: missing, lines: ['breakwater lint --path /mcp FILE'] }],
  };
}
