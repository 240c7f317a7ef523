const empty = Buffer.alloc(0);
/** How much more than there is room is made for: less means more copying, more means that a small body holds much. */
const GROWTH = 4;

/**
 * Gathers a body that arrives in pieces. A single piece is kept as it is; more are copied together, because a
 * view of one byte costs a hundred: a body in chunks of one byte would exhaust the memory (memory amplification).
 */
export class BodyBuffer {
  readonly #maxBytes: number;
  #bytes: Buffer = empty;
  #length = 0;
  #isCopy = false;

  /** `maxBytes` is how much is expected at most; more is taken, but not provided for. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#length;
  }

  append(piece: Buffer): void {
    if (piece.length === 0) return;
    const length = this.#length + piece.length;
    if (this.#length === 0) {
      this.#bytes = piece;
      this.#isCopy = false;
    } else {
      if (!this.#isCopy || length > this.#bytes.length) this.#grow(length);
      this.#bytes.set(piece, this.#length);
    }
    this.#length = length;
  }

  /** Everything gathered; what comes next begins a new body. */
  take(): Buffer {
    const whole = this.#bytes.length === this.#length ? this.#bytes : this.#bytes.subarray(0, this.#length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#bytes = empty;
    this.#length = 0;
  }

  #grow(length: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(length, Math.min(length * GROWTH, this.#maxBytes)));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#isCopy = true;
  }
}
