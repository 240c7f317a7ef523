import type { Hit } from './finding.ts';

/** The check of a rule that looks at one endpoint after the other. */
export function atEndpoints<Model extends { readonly endpoints: readonly unknown[] }>(
  check: (endpoint: Model['endpoints'][number], model: Model) => Hit | undefined,
): (model: Model) => readonly Hit[] {
  return (model) =>
    model.endpoints.flatMap((endpoint) => {
      const hit = check(endpoint, model);
      return hit === undefined ? [] : [hit];
    });
}
