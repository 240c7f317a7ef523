import type { Directive } from '../directive.ts';
import type { Hit } from '../finding.ts';
import type { Span } from '../source.ts';
import type { CaddyEndpoint, CaddyModel } from './model.ts';

/** A rule that looks at one endpoint after the other. */
export function atEndpoints(
  check: (endpoint: CaddyEndpoint, model: CaddyModel) => Hit | undefined,
): (model: CaddyModel) => readonly Hit[] {
  return (model) =>
    model.endpoints.flatMap((endpoint) => {
      const hit = check(endpoint, model);
      return hit === undefined ? [] : [hit];
    });
}

/** The words of a directive without its block. */
export function headOf({ source, start, head, args }: Directive): Span {
  return { source, start, end: args.at(-1)?.end ?? head.end };
}
