import { closeSync, mkdirSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';

/** Bytes that may wait for a slow disk; what comes beyond is dropped. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/**
 * A file that only grows, written behind the caller's back. What a full or broken disk does not take is lost, and the file
 * is tried again with the next piece: `onProblem` hears of the first failure and, after a success, of the next.
 */
export class AppendedFile {
  readonly #descriptor: number;
  readonly #onProblem: (error: Error) => void;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing = false;
  #failing = false;
  #onWritten: (() => void) | undefined;

  /** Opens the file and makes its directory; throws the system's error, so that a wrong path is told at the start. */
  constructor(path: string, onProblem: (error: Error) => void) {
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, 'a');
    this.#onProblem = onProblem;
  }

  write(bytes: Buffer): void {
    if (this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.#fail(new Error('the disk is slower than the lines come'));
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (!this.#writing) this.#writeNext();
  }

  /** Resolves once nothing waits any more. */
  written(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => (this.#onWritten = resolve));
  }

  /** Writes what waits and lets go of the file; nothing may be written afterwards. */
  async close(): Promise<void> {
    await this.written();
    closeSync(this.#descriptor);
  }

  #writeNext(): void {
    const bytes = this.#waiting.shift();
    if (bytes === undefined) {
      this.#writing = false;
      this.#onWritten?.();
      return;
    }
    this.#writing = true;
    write(this.#descriptor, bytes, (error, count) => {
      if (error !== null) this.#fail(error);
      else this.#failing = false;
      const rest = error === null ? bytes.subarray(count) : bytes.subarray(bytes.length);
      this.#waitingBytes -= bytes.length - rest.length;
      if (rest.length > 0) this.#waiting.unshift(rest);
      this.#writeNext();
    });
  }

  #fail(error: Error): void {
    if (!this.#failing) this.#onProblem(error);
    this.#failing = true;
  }
}
