import { plainScope } from '../server-metadata.ts';

const verbs: Readonly<Record<string, string>> = {
  read: 'Read',
  list: 'List',
  write: 'Change',
  call: 'Use',
  use: 'Use',
  execute: 'Run',
  run: 'Run',
  delete: 'Delete',
  create: 'Create',
  admin: 'Manage',
  manage: 'Manage',
};

/** A scope in words: `tools:read` and `read:tools` read "Read tools"; one of another shape stands for itself. */
export function toScopeWords(scope: string, resource: string): string {
  if (scope === plainScope) return `Use everything that ${resource} offers`;
  const [, left = '', right = ''] = /^([a-z][\w-]*)[:.]([a-z][\w-]*)$/i.exec(scope) ?? [];
  const verb = verbs[right.toLowerCase()] ?? verbs[left.toLowerCase()];
  if (verb === undefined) return `Use “${scope}”`;
  const noun = verbs[right.toLowerCase()] === undefined ? right : left;
  return `${verb} ${noun.replaceAll(/[-_]/g, ' ')}`;
}
