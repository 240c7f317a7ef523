import type { Clock } from '../../lib/clock.ts';
import {
  fromRecordText,
  kindOf,
  requireIndex,
  toRecordForm,
  toStoredId,
  type RecordForm,
} from './record-form.ts';
import type { PutOptions, Store, StoredValue, StoreEntry } from './store.ts';
import { createWatchers } from './watchers.ts';

interface MemoryRecord extends RecordForm {
  readonly expiresAt: number | undefined;
}

/** The store without a file, for tests and for what may be forgotten: everything ends with the process. */
export function createMemoryStore({ clock }: { readonly clock: Clock }): Store {
  const kinds = new Map<string, Map<string, MemoryRecord>>();
  const watchers = createWatchers();

  function recordsOf(kind: string): Map<string, MemoryRecord> {
    kindOf(kind);
    const known = kinds.get(kind) ?? new Map<string, MemoryRecord>();
    kinds.set(kind, known);
    return known;
  }

  function living(kind: string): readonly MemoryRecord[] {
    const records = recordsOf(kind);
    for (const [id, { expiresAt = Infinity }] of records) if (expiresAt <= clock.now()) records.delete(id);
    return [...records.values()].toSorted((left, right) => (left.id < right.id ? -1 : 1));
  }

  function read(kind: string, id: string): StoredValue | undefined {
    const record = recordsOf(kind).get(toStoredId(kind, id));
    if (record === undefined || (record.expiresAt ?? Infinity) <= clock.now()) return undefined;
    return fromRecordText(kind, record.text, id);
  }

  function write(kind: string, id: string, change: { readonly value: StoredValue } & PutOptions): void {
    const form = toRecordForm(kind, id, change.value);
    recordsOf(kind).set(form.id, { ...form, expiresAt: change.expiresAt });
  }

  function withIndex(kind: string, field: string, value: string): readonly MemoryRecord[] {
    requireIndex(kind, field);
    return living(kind).filter(({ indexes }) =>
      indexes.some(([name, indexed]) => name === field && indexed === value),
    );
  }

  const toEntry = (kind: string, { id, text }: MemoryRecord): StoreEntry => ({
    id,
    value: fromRecordText(kind, text),
  });

  return {
    get: async (kind, id) => read(kind, id),
    async put(kind, id, value, options) {
      write(kind, id, { value, ...options });
      watchers.notify(kind);
    },
    async delete(kind, id) {
      recordsOf(kind).delete(toStoredId(kind, id));
      watchers.notify(kind);
    },
    find: async (kind, field, value) => withIndex(kind, field, value).map((record) => toEntry(kind, record)),
    async consume(kind, id) {
      const value = read(kind, id);
      recordsOf(kind).delete(toStoredId(kind, id));
      watchers.notify(kind);
      return value;
    },
    async deleteWhere(kind, field, value) {
      for (const { id } of withIndex(kind, field, value)) recordsOf(kind).delete(id);
      watchers.notify(kind);
    },
    list: async (kind) => living(kind).map((record) => toEntry(kind, record)),
    async update(kind, id, change) {
      const next = change(read(kind, id));
      if (next === undefined) return false;
      write(kind, id, next);
      watchers.notify(kind);
      return true;
    },
    async transaction(writes) {
      // What could fail goes first, so that a wrong write leaves the others undone.
      for (const { kind } of writes) kindOf(kind);
      for (const each of writes) {
        if (each.action === 'put') write(each.kind, each.id, each);
        else recordsOf(each.kind).delete(toStoredId(each.kind, each.id));
      }
      for (const kind of new Set(writes.map((each) => each.kind))) watchers.notify(kind);
    },
    watch: watchers.add,
    close: () => undefined,
  };
}
