import type { SplitCondition } from '../config/split-config.ts';
import { isAboutMessages, toSplitEras } from '../config/split.ts';
import { compilePatterns, type Matcher } from '../lib/pattern.ts';
import type { Classification } from '../mcp/classify.ts';
import type { Envelope } from '../mcp/envelope.ts';
import { toOperation, type Operation } from '../mcp/operations.ts';

/** Whether a message goes to the servers of an entry of `split`; by what its body says, with which its header fields agree. */
export type SplitTest = (classification: Classification, envelope: Envelope | undefined) => boolean;

const nothing: Matcher = () => false;

/** Compiles the condition of an entry; names and methods as in `rules`. */
export function compileSplit(when: SplitCondition): SplitTest {
  const eras = new Set(toSplitEras(when));
  const hasEra: SplitTest = ({ era }) => eras.has(era);
  if (!isAboutMessages(when)) return hasEra;
  const { methods, tools, prompts, resources } = when;
  const hasNames = tools.length + prompts.length + resources.length > 0;
  const isMethod = compilePatterns(methods);
  const names: { readonly [kind in Operation['kind']]: Matcher } = {
    tool: compilePatterns(tools) ?? nothing,
    prompt: compilePatterns(prompts) ?? nothing,
    resource: compilePatterns(resources) ?? nothing,
    none: nothing,
  };
  return (classification, envelope) => {
    if (!hasEra(classification, envelope)) return false;
    if (envelope?.kind !== 'request' && envelope?.kind !== 'notification') return false;
    const { method, kind, name } = toOperation(envelope);
    if (isMethod !== undefined && !isMethod(method)) return false;
    return !hasNames || (name !== undefined && names[kind](name));
  };
}
