import { argTexts, type Directive } from '../directive.ts';
import type { HaproxyEndpoint } from './model.ts';

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
