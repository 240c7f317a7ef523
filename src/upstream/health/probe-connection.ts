import type { Clock, Timer } from '../../lib/clock.ts';
import { formatDuration } from '../../lib/duration.ts';
import { UpstreamConnection } from '../connection.ts';
import type { UpstreamTarget } from '../target.ts';
import { toFailureWords } from './failure-words.ts';

export interface ProbeOptions {
  readonly target: UpstreamTarget;
  /** Milliseconds for all of it. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Shared by all probes of a process: each read is handed on before the next one happens. */
  readonly readBuffer: Buffer;
}

export type ProbeResult =
  | { readonly kind: 'passed' }
  /** `reason` goes on after the name of the server: `refuses connections`. */
  | { readonly kind: 'failed'; readonly reason: string };

export type ProbeListener = (result: ProbeResult) => void;

export interface Probe {
  /** Breaks off; nobody is told a result. Idempotent. */
  cancel(): void;
}

/** A connection for one question, opened as the data path opens its own. */
export class ProbeConnection implements Probe {
  readonly connection: UpstreamConnection;
  readonly #onResult: ProbeListener;
  readonly #timer: Timer;
  readonly #ready: 'connect' | 'secureConnect';
  #isOpen = false;
  #error: NodeJS.ErrnoException | undefined;
  #isSettled = false;

  constructor({ target, timeout, clock, readBuffer }: ProbeOptions, onResult: ProbeListener) {
    this.#onResult = onResult;
    this.#ready = target.kind === 'tcp' && target.secure ? 'secureConnect' : 'connect';
    this.connection = new UpstreamConnection({
      target,
      clock,
      // The time of the whole probe ends before.
      connectTimeout: 2 * timeout,
      readBuffer,
      onIdle: (idle) => idle.abort(),
      onClosed: () => this.fail(this.#error === undefined ? undefined : toFailureWords(this.#error)),
    });
    const { socket } = this.connection;
    socket.once('error', (error) => {
      this.#error = error;
    });
    socket.once(this.#ready, () => {
      this.#isOpen = true;
    });
    this.#timer = clock.setTimeout(() => {
      // A process that was busy has not read yet what came in time: it gets one more turn, and no server is blamed for it.
      setImmediate(() => setImmediate(() => this.#giveUp(formatDuration(timeout))));
    }, timeout);
  }

  /** Calls back once the server has taken the connection. */
  onOpen(callback: () => void): void {
    this.connection.socket.once(this.#ready, callback);
  }

  settle(result: ProbeResult): void {
    if (this.#isSettled) return;
    this.cancel();
    this.#onResult(result);
  }

  fail(reason = 'closes the connection without an answer'): void {
    this.settle({ kind: 'failed', reason });
  }

  cancel(): void {
    this.#isSettled = true;
    this.#timer.cancel();
    this.connection.abort();
  }
  #giveUp(within: string): void {
    this.fail(this.#isOpen ? `gives no answer within ${within}` : `takes no connection within ${within}`);
  }
}
