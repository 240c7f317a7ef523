import { isUtf8 } from 'node:buffer';
import { AnswerScanner } from './list-scanner.ts';

/** What the entries of a list stand for. Templates of resources are judged as resources, by the text of the template. */
export type ListedKind = 'tool' | 'prompt' | 'resource';

export interface ListFilter {
  /** Whether an entry may stay; `name` is decoded. Must not scan. */
  readonly isShown: (kind: ListedKind, name: string) => boolean;
  /**
   * Marks lists `cacheScope: "private"`, because they differ from caller to caller and a cache would serve one caller's to another
   * (2026-07-28, Caching). Only revisions with that member are to have it.
   */
  readonly makePrivate: boolean;
}

export type FilteredList =
  /** Nothing was to be taken out: the bytes can go on as they are. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'filtered'; readonly bytes: Buffer; readonly removed: number }
  /** It may name what the caller must not see, and must not be passed on. */
  | { readonly kind: 'unreadable'; readonly reason: UnreadableReason };

export type UnreadableReason =
  | 'not-utf8'
  | 'not-json'
  | 'too-deep'
  /** A member occurs twice or in another letter case, so that clients differ on what the list is. */
  | 'ambiguous'
  /** A member that must be a list is something else. */
  | 'not-a-list';

/** Longest answer that is filtered, in bytes; the caller refuses longer ones. */
export const MAX_LIST_BYTES: number = 8 * 1024 * 1024;

/** Whether the answer to a method is a list to be filtered. */
export function isListMethod(method: string): boolean {
  return (
    method === 'tools/list' ||
    method === 'prompts/list' ||
    method === 'resources/list' ||
    method === 'resources/templates/list'
  );
}

/**
 * Takes the entries that must not be seen out of the lists in an answer (JSON-RPC, one message or a batch). A list is known by its
 * place (`result.tools`, `prompts`, `resources`, `resourceTemplates`), because streams carry answers to earlier requests. Entries
 * without a name go too. All other bytes stay, in their order: numbers, escapes, white space, `nextCursor`. Linear in the length.
 */
export function filterList(answer: Buffer, filter: ListFilter): FilteredList {
  if (!isUtf8(answer)) return { kind: 'unreadable', reason: 'not-utf8' };
  return new AnswerScanner(answer, filter).scan();
}
