import { chmod, open } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { ensurePrivateDirectory } from '../directory.ts';
import { toDamageError, withDatabase } from './sqlite-errors.ts';
import { loadSqlite, type Database, type SqliteModule } from './sqlite-module.ts';

/** Versions of the tables below, in `user_version`. */
const SCHEMA_VERSION = 1;
/** "BWTR": tells our file from any other SQLite database. */
const APPLICATION_ID = 0x42_57_54_52;
const MAGIC = 'SQLite format 3\0';

const schema = `
  CREATE TABLE records (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (kind, id)
  );
  CREATE INDEX records_by_end ON records (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE entries (
    kind TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (kind, field, value, id)
  ) WITHOUT ROWID;
  CREATE INDEX entries_by_record ON entries (kind, id);
  CREATE TRIGGER entries_end AFTER DELETE ON records BEGIN
    DELETE FROM entries WHERE kind = OLD.kind AND id = OLD.id;
  END;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

export interface OpenDatabase {
  readonly database: Database;
  readonly path: string;
}

/**
 * Opens `breakwater.db` in a directory, or makes it, readable by its owner alone. Rejects with a GatewayError, the file untouched:
 * E_STATE_VERSION for one of a newer Breakwater, E_STATE_DAMAGED for one that cannot be read, E_STATE_UNWRITABLE.
 */
export async function openDatabase(stateDir: string): Promise<OpenDatabase> {
  await ensurePrivateDirectory(stateDir);
  const path = join(stateDir, 'breakwater.db');
  const isEmpty = await prepareFile(path);
  const sqlite = loadSqlite();
  if (!isEmpty) await withDatabase(path, () => inspect(sqlite, path));
  const database = await withDatabase(path, () => openForWriting(sqlite, path));
  return { database, path };
}

/** Makes the file before SQLite would: what SQLite puts beside it gets the same mode. Resolves to whether it holds nothing yet. */
async function prepareFile(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'a+', 0o600);
    try {
      const head = Buffer.alloc(MAGIC.length);
      const { bytesRead } = await handle.read(head, 0, head.length, 0);
      if (bytesRead === 0) return true;
      if (head.toString('latin1') !== MAGIC) throw toDamageError(path, 'is not a database');
    } finally {
      await handle.close();
    }
    await chmod(path, 0o600);
    return false;
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const message = `cannot open \`${path}\`: ${explainFileError(error)}`;
    throw new GatewayError('E_STATE_UNWRITABLE', message, { cause: error });
  }
}

/** Looks at a file without the right to write: one that is not ours, or too new, must stay as it is to the last byte. */
function inspect({ DatabaseSync }: SqliteModule, path: string): void {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const version = readPragma(database, 'user_version');
    const application = readPragma(database, 'application_id');
    const isNew = version === 0 && application === 0 && readPragma(database, 'schema_version') === 0;
    if (isNew) return;
    if (application !== APPLICATION_ID) throw toDamageError(path, 'is a database of another program');
    if (version > SCHEMA_VERSION) {
      throw new GatewayError(
        'E_STATE_VERSION',
        `\`${path}\` has version ${version}; this Breakwater knows ${SCHEMA_VERSION}`,
      );
    }
    const [damage] = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {});
    if (damage !== 'ok') throw toDamageError(path, 'is damaged');
  } finally {
    database.close();
  }
}

function openForWriting({ DatabaseSync }: SqliteModule, path: string): Database {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA busy_timeout = 5');
    const [mode] = Object.values(database.prepare('PRAGMA journal_mode = WAL').get() ?? {});
    if (mode !== 'wal') {
      throw new GatewayError('E_STATE_UNWRITABLE', `\`${path}\`: its file system cannot share memory`);
    }
    // NORMAL survives a crash of the process, not of the machine: a revoked key would come back, and a client whose refresh token
    // was just replaced would be logged out. Writes are as rare as logins, so waiting for the disk costs nobody anything.
    database.exec('PRAGMA synchronous = FULL');
    database.exec('BEGIN IMMEDIATE');
    if (readPragma(database, 'user_version') === 0) database.exec(schema);
    database.exec('COMMIT');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function readPragma(database: Database, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}
