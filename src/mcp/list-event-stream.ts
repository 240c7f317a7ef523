import { filterListEvent } from './list-event.ts';
import { MAX_LIST_BYTES, type ListFilter, type UnreadableReason } from './list-filter.ts';

const CR = 0x0d;
const LF = 0x0a;

export interface FilteredChunk {
  /** What may be relayed now; whole events, each with the empty line that ends it. */
  readonly bytes: Buffer;
  /** Set when the next event must not be passed on: the stream has to end behind `bytes`. */
  readonly refused: UnreadableReason | 'too-long' | undefined;
}

/**
 * Filters the events of a stream as they come. An event is held until it is whole, which no client notices, since none acts on half
 * of one. What follows the last empty line of a stream is no event and is never passed on.
 */
export class ListEventStream {
  readonly #filter: ListFilter;
  /** The beginning of an event, in the pieces it came in. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #beginsStream = true;
  #isLineEmpty = true;
  #afterCr = false;

  constructor(filter: ListFilter) {
    this.#filter = filter;
  }

  /** Takes the next chunk, which may be reused once the returned bytes are written. */
  feed(chunk: Buffer): FilteredChunk {
    const parts: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === LF && this.#afterCr) {
        this.#afterCr = false;
        // It belongs to the event that went before: a client that waits for it must not wait for the next event.
        if (at === start && this.#heldBytes === 0) parts.push(chunk.subarray(start++, at + 1));
        continue;
      }
      if (!this.#endsEvent(byte)) continue;
      const event = this.#take(chunk.subarray(start, at + 1));
      start = at + 1;
      if (event.length > MAX_LIST_BYTES) return { bytes: Buffer.concat(parts), refused: 'too-long' };
      const result = filterListEvent(event, this.#filter, this.#beginsStream);
      this.#beginsStream = false;
      if (result.kind === 'unreadable') return { bytes: Buffer.concat(parts), refused: result.reason };
      parts.push(result.kind === 'filtered' ? result.bytes : event);
    }
    if (start < chunk.length) {
      this.#held.push(Buffer.from(chunk.subarray(start)));
      this.#heldBytes += chunk.length - start;
    }
    const [only] = parts;
    const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    return { bytes, refused: this.#heldBytes > MAX_LIST_BYTES ? 'too-long' : undefined };
  }

  #take(end: Buffer): Buffer {
    if (this.#heldBytes === 0) return end;
    const event = Buffer.concat([...this.#held, end]);
    this.#held = [];
    this.#heldBytes = 0;
    return event;
  }

  #endsEvent(byte: number): boolean {
    this.#afterCr = byte === CR;
    const isEnd = byte === CR || byte === LF;
    const endsEvent = isEnd && this.#isLineEmpty;
    this.#isLineEmpty = isEnd;
    return endsEvent;
  }
}
