import type { Clock, Timer } from '../lib/clock.ts';

export interface LineSink {
  write(text: string): void;
  flushSync(): void;
}

const BATCH_CHARACTERS = 32 * 1024;
const FLUSH_MILLISECONDS = 1000;

/**
 * Gathers log lines and hands them on in large pieces, at the latest after a second. The file stream below
 * measures everything it holds with each write, which for single lines costs more than the requests they are about.
 */
export class LineBatch {
  readonly #sink: LineSink;
  readonly #clock: Clock;
  #text = '';
  #timer: Timer | undefined;

  constructor(sink: LineSink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  write(line: string): void {
    this.#text += line;
    if (this.#text.length >= BATCH_CHARACTERS) this.#handOn();
    else this.#timer ??= this.#clock.setTimeout(() => this.#handOn(), FLUSH_MILLISECONDS);
  }

  /** Writes everything out before it returns. */
  flush(): void {
    this.#handOn();
    this.#sink.flushSync();
  }

  #handOn(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const text = this.#text;
    this.#text = '';
    if (text !== '') this.#sink.write(text);
  }
}
