import type { Clock } from '../../lib/clock.ts';
import { fromRecordText, kindOf, requireIndex, toRecordForm, toStoredId } from './record-form.ts';
import { isBusy, withDatabase } from './sqlite-errors.ts';
import { openDatabase } from './sqlite-file.ts';
import type { Database } from './sqlite-module.ts';
import type { PutOptions, Store, StoredValue, StoreEntry } from './store.ts';
import { createWatchers } from './watchers.ts';

export interface SqliteStoreOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  /** Told when expired records cannot be deleted, or changes of other processes not be seen. */
  readonly onProblem: (error: unknown) => void;
}

const LOOK_MILLISECONDS = 1000;
const SWEEP_MILLISECONDS = 60_000;
const SWEEP_BATCH = 200;

/**
 * Opens the store in `breakwater.db` of the state directory; several processes may. Loads SQLite only now. Rejects with a
 * GatewayError: E_STATE_VERSION, E_STATE_DAMAGED (the file is left untouched), E_STATE_UNWRITABLE.
 */
export async function openSqliteStore({ stateDir, clock, onProblem }: SqliteStoreOptions): Promise<Store> {
  const { database, path } = await openDatabase(stateDir);
  const statements = prepare(database);
  const watchers = createWatchers();

  const read = (kind: string, id: string): StoredValue | undefined => {
    const row = statements.get.get(kind, toStoredId(kind, id), clock.now());
    return row === undefined ? undefined : fromRecordText(kind, String(row['value']), id);
  };
  const write = (kind: string, id: string, change: { readonly value: StoredValue } & PutOptions): void => {
    const form = toRecordForm(kind, id, change.value);
    statements.put.run(kind, form.id, form.text, change.expiresAt ?? null);
    statements.unindex.run(kind, form.id);
    for (const [field, value] of form.indexes) statements.index.run(kind, field, value, form.id);
  };
  const remove = (kind: string, id: string): void => void statements.delete.run(kind, toStoredId(kind, id));
  const toEntries = (kind: string, rows: readonly Record<string, unknown>[]): readonly StoreEntry[] =>
    rows.map(({ id, value }) => ({ id: String(id), value: fromRecordText(kind, String(value)) }));

  const inDatabase = <T>(work: () => T): Promise<T> => withDatabase(path, work);
  /** What was committed is on the disk when the promise resolves, and then those who watch learn of it. */
  async function writing<T>(kinds: readonly string[], work: () => T): Promise<T> {
    const result = await inDatabase(() => inTransaction(database, work));
    for (const kind of kinds) watchers.notify(kind);
    return result;
  }

  const stopUpkeep = startUpkeep({ database, clock, onProblem, onForeignWrite: watchers.notifyAll });
  let isOpen = true;
  return {
    get: (kind, id) => inDatabase(() => read(kind, id)),
    put: (kind, id, value, options) => writing([kind], () => write(kind, id, { value, ...options })),
    delete: (kind, id) => writing([kind], () => remove(kind, id)),
    find: (kind, field, value) =>
      inDatabase(() => {
        requireIndex(kind, field);
        return toEntries(kind, statements.find.all(kind, field, value, clock.now()));
      }),
    consume: (kind, id) =>
      writing([kind], () => {
        const value = read(kind, id);
        if (value !== undefined) remove(kind, id);
        return value;
      }),
    deleteWhere: (kind, field, value) =>
      writing([kind], () => {
        requireIndex(kind, field);
        statements.deleteWhere.run(kind, kind, field, value);
      }),
    list: (kind) =>
      inDatabase(() => {
        kindOf(kind);
        return toEntries(kind, statements.list.all(kind, clock.now()));
      }),
    update: (kind, id, change) =>
      writing([kind], () => {
        const next = change(read(kind, id));
        if (next !== undefined) write(kind, id, next);
        return next !== undefined;
      }),
    transaction: (writes) =>
      writing([...new Set(writes.map(({ kind }) => kind))], () => {
        for (const each of writes) {
          if (each.action === 'put') write(each.kind, each.id, each);
          else remove(each.kind, each.id);
        }
      }),
    watch: watchers.add,
    close() {
      if (!isOpen) return;
      isOpen = false;
      stopUpkeep();
      database.close();
    },
  };
}

type Statement = ReturnType<Database['prepare']>;

const queries = {
  get: `SELECT value FROM records WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)`,
  list: `SELECT id, value FROM records WHERE kind = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY id`,
  find: `SELECT records.id, records.value FROM entries JOIN records USING (kind, id)
    WHERE entries.kind = ? AND entries.field = ? AND entries.value = ?
    AND (expires_at IS NULL OR expires_at > ?) ORDER BY id`,
  put: `INSERT INTO records (kind, id, value, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (kind, id) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
  index: `INSERT INTO entries (kind, field, value, id) VALUES (?, ?, ?, ?)`,
  unindex: `DELETE FROM entries WHERE kind = ? AND id = ?`,
  delete: `DELETE FROM records WHERE kind = ? AND id = ?`,
  deleteWhere: `DELETE FROM records WHERE kind = ?
    AND id IN (SELECT id FROM entries WHERE kind = ? AND field = ? AND value = ?)`,
} as const;

function prepare(database: Database): Readonly<Record<keyof typeof queries, Statement>> {
  const prepared = Object.entries(queries).map(([name, query]) => [name, database.prepare(query)]);
  // `fromEntries` forgets which names there are.
  return Object.fromEntries(prepared) as Record<keyof typeof queries, Statement>;
}

function inTransaction<T>(database: Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

/** SQLite has often done so by itself, as when the disk is full; what went wrong is on its way already. */
function rollBack(database: Database): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    return;
  }
}

/** Deletes what has expired, a little at a time, and looks whether other processes wrote. Returns how to stop. */
function startUpkeep(options: {
  readonly database: Database;
  readonly clock: Clock;
  readonly onProblem: (error: unknown) => void;
  readonly onForeignWrite: () => void;
}): () => void {
  const { database, clock, onProblem, onForeignWrite } = options;
  const version = database.prepare('PRAGMA data_version');
  const expired = database.prepare(
    'DELETE FROM records WHERE rowid IN (SELECT rowid FROM records WHERE expires_at <= ? LIMIT ?)',
  );
  const readVersion = (): unknown => version.get()?.['data_version'];

  function attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      // Another process writes just now; there is a next time.
      if (!isBusy(error)) onProblem(error);
    }
  }

  let seen = readVersion();
  const look = clock.setInterval(() => {
    attempt(() => {
      const current = readVersion();
      if (current === seen) return;
      seen = current;
      onForeignWrite();
    });
  }, LOOK_MILLISECONDS);

  const sweep = (): void => {
    let pause = SWEEP_MILLISECONDS;
    attempt(() => {
      if (Number(expired.run(clock.now(), SWEEP_BATCH).changes) === SWEEP_BATCH) pause = LOOK_MILLISECONDS;
    });
    next = clock.setTimeout(sweep, pause);
  };
  let next = clock.setTimeout(sweep, SWEEP_MILLISECONDS);
  return () => {
    look.cancel();
    next.cancel();
  };
}
