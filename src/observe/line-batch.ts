import type { Clock, Timer } from '../lib/clock.ts';

const BATCH_BYTES = 64 * 1024;
/** Most bytes of UTF-8 that one UTF-16 code unit takes. */
const BYTES_PER_UNIT = 3;
const FLUSH_MILLISECONDS = 1000;

/**
 * Gathers log lines as bytes and hands them on in large pieces, at the latest after a second. Written one by one, lines
 * would cost more than the requests they are about.
 */
export class LineBatch {
  readonly #sink: (bytes: Buffer) => void;
  readonly #clock: Clock;
  #bytes: Buffer | undefined;
  #used = 0;
  #timer: Timer | undefined;

  constructor(sink: (bytes: Buffer) => void, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  write(line: string): void {
    const most = line.length * BYTES_PER_UNIT;
    if (this.#used + most > BATCH_BYTES) this.handOn();
    if (most > BATCH_BYTES) {
      this.#sink(Buffer.from(line));
      return;
    }
    this.#bytes ??= Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#used += this.#bytes.write(line, this.#used);
    this.#timer ??= this.#clock.setTimeout(() => this.handOn(), FLUSH_MILLISECONDS);
  }

  /** Hands on what has been gathered so far. */
  handOn(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const bytes = this.#bytes?.subarray(0, this.#used);
    this.#bytes = undefined;
    this.#used = 0;
    if (bytes !== undefined) this.#sink(bytes);
  }
}
