import { createHash } from 'node:crypto';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import type { Result } from '../../lib/result.ts';

/** What a look at some files found. `unchanged` also stands for bad contents that were reported before. */
export type FileLook<Value> =
  | { readonly kind: 'unchanged' }
  /** Files that do not fit each other, perhaps because only one of them was replaced yet; worth another look after some milliseconds. */
  | { readonly kind: 'unsettled'; readonly lookAgainIn: number }
  | { readonly kind: 'loaded'; readonly value: Value }
  | { readonly kind: 'failed'; readonly errors: readonly Diagnostic[] };

/** Files as they are just now. */
export interface FileReading<Value> {
  /** Everything that was read, or why it could not be read. */
  readonly contents: readonly string[];
  parse(): Result<Value, readonly Diagnostic[]> | Promise<Result<Value, readonly Diagnostic[]>>;
}

/** How long files may contradict each other before that is a failure: who renews replaces them one after the other. */
const settleMilliseconds = 1000;

/** Takes files up whenever their contents differ from the last look. Only the first look fails at once. */
export function createFileLook<Value>(
  read: (now: number) => Promise<FileReading<Value>>,
): (now: number) => Promise<FileLook<Value>> {
  let seen: string | undefined;
  let doubtful: { readonly contents: string; readonly since: number } | undefined;
  return async function look(now) {
    const reading = await read(now);
    const contents = digest(reading.contents);
    if (contents === seen) {
      doubtful = undefined;
      return { kind: 'unchanged' };
    }
    const parsed = await reading.parse();
    if (!parsed.ok && seen !== undefined) {
      if (doubtful?.contents !== contents) doubtful = { contents, since: now };
      const waited = now - doubtful.since;
      // A clock that was set back does not make it wait for longer.
      if (waited >= 0 && waited < settleMilliseconds) {
        return { kind: 'unsettled', lookAgainIn: settleMilliseconds - waited };
      }
    }
    doubtful = undefined;
    seen = contents;
    return parsed.ok ? { kind: 'loaded', value: parsed.value } : { kind: 'failed', errors: parsed.error };
  };
}

/** Tells contents apart without keeping keys and passphrases in memory for it. */
function digest(contents: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(contents)).digest('base64');
}
