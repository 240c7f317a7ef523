import { filterList, MAX_LIST_BYTES, type ListFilter } from '../mcp/list-filter.ts';

/** An answer that is held until it is whole, because it may be a list with entries that the caller must not see. */
export class HeldList {
  readonly #filter: ListFilter;
  readonly #pieces: Buffer[] = [];
  #length = 0;

  constructor(filter: ListFilter) {
    this.#filter = filter;
  }

  /** Keeps a copy of the next bytes; false when it is too long to be filtered. */
  add(bytes: Buffer): boolean {
    this.#length += bytes.length;
    if (this.#length > MAX_LIST_BYTES) return false;
    this.#pieces.push(Buffer.from(bytes));
    return true;
  }

  /** What may go on; `undefined` when it cannot be told what the answer names. */
  finish(): Buffer | undefined {
    const whole = Buffer.concat(this.#pieces);
    if (whole.length === 0) return whole;
    const result = filterList(whole, this.#filter);
    switch (result.kind) {
      case 'unchanged':
        return whole;
      case 'filtered':
        return result.bytes;
      case 'unreadable':
        return undefined;
    }
  }
}
