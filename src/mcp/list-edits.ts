import type { FilteredList } from './list-filter.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const PRIVATE = '"private"';

/** What is to be taken out of an answer, and put in, so that the rest of its bytes stay where they are. */
export class ListEdits {
  readonly #text: Buffer;
  readonly #edits: Edit[] = [];
  #removed = 0;
  /** Where the elements begin that go, up to the one at hand; -1 when the last one stays. */
  #runStart = -1;
  #runEnd = 0;
  /** Behind the last element that stays; -1 when none does. */
  #keptEnd = -1;

  constructor(text: Buffer) {
    this.#text = text;
  }

  beginList(): void {
    this.#runStart = -1;
    this.#keptEnd = -1;
  }

  /** An element of the list, from its first byte up to and without `end`. */
  takeElement(element: { readonly start: number; readonly end: number; readonly isShown: boolean }): void {
    const { start, end, isShown } = element;
    if (isShown) {
      // With the commas behind those that go.
      if (this.#runStart !== -1) this.#cut(this.#runStart, start);
      this.#runStart = -1;
      this.#keptEnd = end;
      return;
    }
    this.#removed++;
    if (this.#runStart === -1) this.#runStart = start;
    this.#runEnd = end;
  }

  endList(): void {
    if (this.#runStart === -1) return;
    // With the comma behind the last that stays.
    this.#cut(this.#keptEnd === -1 ? this.#runStart : this.#keptEnd, this.#runEnd);
  }

  /** Where `cacheScope` has its value (an end of 0: nowhere), and where the object ends, which is not empty. */
  makePrivate(place: { readonly start: number; readonly end: number; readonly closedAt: number }): void {
    const { start, end, closedAt } = place;
    if (end === 0) this.#edits.push({ start: closedAt, end: closedAt, text: `,"cacheScope":${PRIVATE}` });
    else if (this.#text.toString('latin1', start, end) !== PRIVATE)
      this.#edits.push({ start, end, text: PRIVATE });
  }

  apply(): FilteredList {
    if (this.#edits.length === 0) return { kind: 'unchanged' };
    const parts: Buffer[] = [];
    let at = 0;
    // A list may come before or behind what is said of it.
    for (const { start, end, text } of this.#edits.sort((a, b) => a.start - b.start)) {
      parts.push(this.#text.subarray(at, start), Buffer.from(text));
      at = end;
    }
    parts.push(this.#text.subarray(at));
    return { kind: 'filtered', bytes: Buffer.concat(parts), removed: this.#removed };
  }

  #cut(start: number, end: number): void {
    this.#edits.push({ start, end, text: '' });
  }
}
