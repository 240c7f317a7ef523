import type { Clock, Timer } from '../lib/clock.ts';

/** Each batch is a job for another thread, which costs about as much as a hundred lines do. */
const BATCH_BYTES = 256 * 1024;
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

  /** Takes a line of ASCII, its end included. */
  write(line: string): void {
    if (this.#used + line.length > BATCH_BYTES) this.handOn();
    if (line.length > BATCH_BYTES) {
      this.#sink(Buffer.from(line, 'latin1'));
      return;
    }
    this.#bytes ??= Buffer.allocUnsafeSlow(BATCH_BYTES);
    this.#used += this.#bytes.write(line, this.#used, 'latin1');
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
