import type { Diagnostic } from '../lib/diagnostic.ts';
import { toDiagnostics } from './issues.ts';
import { createKnownKeys } from './known-keys.ts';
import { sectionSchemas, type Sections } from './schema/document.ts';
import { routeSchema, type RouteSetting } from './schema/route.ts';
import type { SourceTree } from './source-tree.ts';

/** The sections that are valid on their own; a missing key means that its section is not. */
export type Draft = Partial<Omit<Sections, 'routes'>> & {
  /** Routes that are not valid are `undefined`, so that positions stay. */
  routes?: readonly (RouteSetting | undefined)[];
};

/** Checks each section, and each route, on its own. */
export function parseSections(tree: SourceTree): { draft: Draft; problems: Diagnostic[] } {
  const draft: Partial<Sections> = {};
  const context = { tree, knownKeys: createKnownKeys() };
  const unknown = Object.keys(tree.root).filter((key) => !Object.hasOwn(sectionSchemas, key));
  const problems = toDiagnostics(
    unknown.length > 0 ? [{ code: 'unrecognized_keys', keys: unknown, path: [], message: '' }] : [],
    context,
  );
  const read = (name: keyof Sections): void => {
    const result = sectionSchemas[name].safeParse(tree.root[name]);
    if (result.success) Object.assign(draft, { [name]: result.data });
    else problems.push(...toDiagnostics(toAbsolute(result.error.issues, [name]), context));
  };
  // The keys of the table are the keys of its type: `Object.keys` forgets that.
  for (const name of Object.keys(sectionSchemas) as (keyof Sections)[]) if (name !== 'routes') read(name);
  const list = tree.root['routes'];
  if (!Array.isArray(list)) {
    read('routes');
    return { draft, problems };
  }
  const routes = list.map((item: unknown, index) => {
    const result = routeSchema.safeParse(item);
    if (result.success) return result.data;
    problems.push(...toDiagnostics(toAbsolute(result.error.issues, ['routes', index]), context));
    return undefined;
  });
  return { draft: { ...draft, routes }, problems };
}

type Issues = Parameters<typeof toDiagnostics>[0];

function toAbsolute(issues: Issues, base: readonly PropertyKey[]): Issues {
  return issues.map((issue) => ({ ...issue, path: [...base, ...issue.path] }));
}
