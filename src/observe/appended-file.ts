import { closeSync, mkdirSync, openSync, write } from 'node:fs';
import { dirname } from 'node:path';

/** Bytes that may wait for a slow disk; what comes beyond is dropped. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const newline = Buffer.from('\n');

/**
 * A file that only grows, written behind the caller's back. What a full or broken disk does not take is lost, and the file
 * is tried again with the next piece, on a line of its own: `onProblem` hears of the first failure and, after a success, of the next.
 */
export class AppendedFile {
  readonly #descriptor: number;
  readonly #onProblem: (error: Error) => void;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writing = false;
  #failing = false;
  /** A part of a piece is written, and the rest comes next. */
  #isPart = false;
  /** The rest of a piece was lost, so that the next one needs a line of its own. */
  #isTorn = false;
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
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#writing = false;
      this.#onWritten?.();
      return;
    }
    this.#writing = true;
    const bytes = this.#isTorn ? Buffer.concat([newline, next]) : next;
    write(this.#descriptor, bytes, (error, count) => {
      this.#waitingBytes -= next.length;
      if (error === null) this.#keepRest(bytes.subarray(count));
      else {
        this.#isTorn = this.#isTorn || this.#isPart;
        this.#isPart = false;
        this.#fail(error);
      }
      this.#writeNext();
    });
  }

  #keepRest(rest: Buffer): void {
    this.#failing = false;
    this.#isTorn = false;
    this.#isPart = rest.length > 0;
    if (!this.#isPart) return;
    this.#waiting.unshift(rest);
    this.#waitingBytes += rest.length;
  }

  #fail(error: Error): void {
    if (!this.#failing) this.#onProblem(error);
    this.#failing = true;
  }
}
