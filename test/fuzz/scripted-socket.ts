import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

/** As much of a socket as a connection uses, without an event loop: bytes are delivered in the call. */
export class ScriptedSocket extends EventEmitter {
  written = '';
  destroyed = false;
  ended = false;
  readonly writableNeedDrain = false;
  readonly writableLength = 0;
  /** It never holds back: without an event loop there is no end of a turn. */
  readonly writableCorked = 1;
  #isPaused = false;
  readonly #waiting: Buffer[] = [];

  get writableFinished(): boolean {
    return this.ended;
  }

  /** The class of Node, for what takes one; only the members of this class may be used. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  deliver(bytes: Buffer): void {
    if (this.destroyed) return;
    if (this.#isPaused) this.#waiting.push(bytes);
    else this.emit('data', bytes);
  }

  write(bytes: Buffer | string): boolean {
    if (this.ended) throw new Error('a write after the end');
    this.written += typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    return true;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.emit('finish');
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.emit('close');
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (let bytes = this.#waiting.shift(); bytes !== undefined; bytes = this.#waiting.shift()) {
      this.emit('data', bytes);
      if (this.#isPaused) return;
    }
  }

  isPaused(): boolean {
    return this.#isPaused;
  }
}
