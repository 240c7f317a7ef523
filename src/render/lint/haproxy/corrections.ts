import { argTexts, type Directive } from '../directive.ts';
import type { Hit } from '../finding.ts';
import type { Span } from '../source.ts';
import type { HaproxyEndpoint, HaproxyModel } from './model.ts';

/** A rule that looks at one endpoint after the other. */
export function atEndpoints(
  check: (endpoint: HaproxyEndpoint, model: HaproxyModel) => Hit | undefined,
): (model: HaproxyModel) => readonly Hit[] {
  return (model) =>
    model.endpoints.flatMap((endpoint) => {
      const hit = check(endpoint, model);
      return hit === undefined ? [] : [hit];
    });
}

/** The line that opens a section. */
export function headOf({ source, start, head, args }: Directive): Span {
  return { source, start, end: args.at(-1)?.end ?? head.end };
}

/** Whether any of the lines has a word that fits. */
export function mentions(lines: readonly Directive[], pattern: RegExp): boolean {
  return lines.some((line) => [line.name, ...argTexts(line)].some((word) => pattern.test(word)));
}

export function findWord(
  lines: readonly Directive[],
  text: string,
): HaproxyEndpoint['backend']['args'][number] | undefined {
  return lines.flatMap(({ args }) => args).find((word) => word.text === text);
}
