import type { Diagnostic } from '../lib/diagnostic.ts';
import type { SourceTree } from './source-tree.ts';

/** A contradiction, told at the place of the path. */
export interface Conflict {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly label: string;
  readonly fix: string;
  readonly other?: { readonly path: readonly PropertyKey[]; readonly label: string };
}

export function toConflictDiagnostics(conflicts: readonly Conflict[], tree: SourceTree): Diagnostic[] {
  return conflicts.map(({ path, other, ...conflict }) => ({
    severity: 'error',
    code: 'E_CONFIG_CONFLICT',
    ...conflict,
    ...(other === undefined ? {} : { secondary: { ...tree.place(other.path), label: other.label } }),
    ...tree.place(path),
  }));
}

/** The values that stand in a list again, each with its place and the place where it stood first. */
export function findDuplicates<Value>(
  values: readonly (Value | undefined)[],
): { value: Value; index: number; first: number }[] {
  return values.flatMap((value, index) => {
    const first = value === undefined ? index : values.indexOf(value);
    return value === undefined || first === index ? [] : [{ value, index, first }];
  });
}
