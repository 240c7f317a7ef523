import type { DatabaseSync } from 'node:sqlite';

/** Of its methods the store uses `prepare`, `exec` and `close`, which both runtimes have. */
export type Database = DatabaseSync;
export type SqliteModule = NonNullable<ReturnType<typeof process.getBuiltinModule<'node:sqlite'>>>;

/**
 * Loads SQLite, which is part of the runtime. Node 22 says on standard error that the module is experimental, which no reader of a
 * gateway's log can act on: that one warning is held back, any other passes.
 */
export function loadSqlite(): SqliteModule {
  const emitWarning = process.emitWarning.bind(process);
  // Loading happens within this call, so nobody else meets the changed function.
  process.emitWarning = (warning: string | Error, ...rest: never[]): void => {
    const text = typeof warning === 'string' ? warning : warning.message;
    if (!text.startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest);
  };
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
