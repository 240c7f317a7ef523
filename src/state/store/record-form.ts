import { hash } from 'node:crypto';
import { recordKinds, type RecordKind } from './kinds.ts';
import type { StoredValue } from './store.ts';

/** A record as it is written down. */
export interface RecordForm {
  readonly id: string;
  readonly text: string;
  /** Field and value of what can be searched. */
  readonly indexes: readonly (readonly [field: string, value: string])[];
}

/** The table's entry of a kind. Throws for one that is not documented there. */
export function kindOf(kind: string): RecordKind {
  const found = Object.hasOwn(recordKinds, kind) ? recordKinds[kind] : undefined;
  if (found === undefined) throw new Error(`records of kind ${kind} are not in the table of kinds`);
  return found;
}

/** Throws for a field that cannot be searched, which would find nothing for ever. */
export function requireIndex(kind: string, field: string): void {
  if (!kindOf(kind).indexes.includes(field))
    throw new Error(`records of kind ${kind} have no index ${field}`);
}

/** The id under which a record is kept: a credential is kept as its digest. */
export function toStoredId(kind: string, id: string): string {
  return kindOf(kind).secretId === undefined ? id : hash('sha256', id, 'hex');
}

export function toRecordForm(kind: string, id: string, value: StoredValue): RecordForm {
  const field = kindOf(kind).secretId?.field;
  const kept = field === undefined || value[field] !== id ? value : { ...value, [field]: null };
  return { id: toStoredId(kind, id), text: JSON.stringify(kept), indexes: toIndexes(kind, value) };
}

/** Field and value of what can be searched. */
export function toIndexes(kind: string, value: StoredValue): RecordForm['indexes'] {
  return kindOf(kind).indexes.flatMap((name) => {
    const indexed = value[name];
    return typeof indexed === 'string' ? [[name, indexed] as const] : [];
  });
}

/** Reads a record back; `id` is what the caller asked for, and goes where it was taken out. */
export function fromRecordText(kind: string, text: string, id?: string): StoredValue {
  const value = JSON.parse(text) as StoredValue;
  const field = kindOf(kind).secretId?.field;
  return field === undefined || id === undefined || value[field] !== null ? value : { ...value, [field]: id };
}
