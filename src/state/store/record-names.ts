import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kindOf } from './record-form.ts';
import { loadSqlite } from './sqlite-module.ts';

/** The ids of a kind, for words that a shell completes: read without waiting and without changing anything. Empty without a store. */
export function readRecordNames(stateDir: string, kind: string): readonly string[] {
  kindOf(kind);
  const path = join(stateDir, 'breakwater.db');
  if (!existsSync(path)) return [];
  const database = new (loadSqlite().DatabaseSync)(path, { readOnly: true });
  try {
    const rows = database.prepare('SELECT id FROM records WHERE kind = ? ORDER BY id').all(kind);
    return rows.map(({ id }) => String(id));
  } finally {
    database.close();
  }
}
