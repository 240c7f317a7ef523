const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const ID = [0x69, 0x64];

/**
 * Watches an event stream go by and knows, without changing a byte, whether the last byte ended an event
 * (WHATWG HTML, server-sent events: an empty line; lines end in LF, CR or CRLF). Only there may a comment
 * or an event of our own be put in.
 */
export class SseBoundary {
  #column = 0;
  #afterCr = false;
  #idMatch = 0;
  #sawId = false;
  #atBoundary = true;
  #started = false;

  /** True before the first byte and after each empty line. */
  get atBoundary(): boolean {
    return this.#atBoundary;
  }

  /** True when the last byte ended a line, so that what comes next is a line of its own. */
  get atLineStart(): boolean {
    return this.#column === 0;
  }

  /** True once a field named `id` has gone by: the client can resume. */
  get sawId(): boolean {
    return this.#sawId;
  }

  /** True once any byte has gone by. */
  get started(): boolean {
    return this.#started;
  }

  feed(bytes: Buffer): void {
    if (bytes.length > 0) this.#started = true;
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      if (byte === LF && this.#afterCr) {
        // The second half of CRLF: the line ended with the CR already.
        this.#afterCr = false;
        continue;
      }
      this.#afterCr = byte === CR;
      if (byte === LF || byte === CR) {
        if (this.#idMatch === 2) this.#sawId = true;
        this.#atBoundary = this.#column === 0;
        this.#column = 0;
        this.#idMatch = 0;
        continue;
      }
      if (this.#idMatch === this.#column && this.#column < 2 && byte === ID[this.#column]) this.#idMatch++;
      else if (this.#column === 2 && this.#idMatch === 2 && byte === COLON) this.#sawId = true;
      else this.#idMatch = 3;
      this.#column++;
      this.#atBoundary = false;
    }
  }
}
