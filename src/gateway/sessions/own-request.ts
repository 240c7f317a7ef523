import type { Deadlines, Expiring } from '../../http/deadlines.ts';
import { fieldValue } from '../../http/exchange.ts';
import type { ResponseHead } from '../../http/response-head.ts';
import { SESSION_ID_HEADER } from '../../mcp/headers.ts';
import type { ServerAnswer, ServerRequest } from '../../sessions/begin-again.ts';
import type { UpstreamConnection, UpstreamListener } from '../../upstream/connection.ts';

export interface OwnRequestOptions {
  readonly connection: UpstreamConnection;
  readonly deadlines: Deadlines;
  /** Milliseconds of the deadlines' clock at which it is given up. */
  readonly deadline: number;
  readonly method: ServerRequest['method'];
  /** As it is sent, head and body. */
  readonly message: Buffer;
  readonly isEnough?: ServerRequest['isEnough'];
}

/** Longest answer to a request of ours: `initialize` may carry instructions. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Sends a request of ours. Resolves to `undefined` when no whole answer came, for whatever reason. */
export function sendOwnRequest(options: OwnRequestOptions): Promise<ServerAnswer | undefined> {
  return new Promise((resolve) => {
    const request = new OwnRequest(options, resolve);
    options.connection.send([options.message], options.method, request);
  });
}

class OwnRequest implements UpstreamListener, Expiring {
  place = -1;
  deadline: number;
  readonly #options: OwnRequestOptions;
  readonly #onAnswer: (answer: ServerAnswer | undefined) => void;
  readonly #pieces: Buffer[] = [];
  #head: ResponseHead | undefined;
  #length = 0;
  #isAnswered = false;

  constructor(options: OwnRequestOptions, onAnswer: (answer: ServerAnswer | undefined) => void) {
    this.#options = options;
    this.#onAnswer = onAnswer;
    this.deadline = options.deadline;
    options.deadlines.add(this);
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
  }

  onData(bytes: Buffer): void {
    if (this.#isAnswered) return;
    this.#length += bytes.length;
    if (this.#length > MAX_ANSWER_BYTES) {
      this.#giveUp();
      return;
    }
    this.#pieces.push(Buffer.from(bytes));
  }

  onFlush(): boolean {
    const { isEnough } = this.#options;
    const answer = this.#isAnswered || isEnough === undefined ? undefined : this.#toAnswer();
    // The server may have more to say in this stream, to nobody.
    if (answer !== undefined && isEnough?.(answer) === true) this.#answer(answer);
    return true;
  }

  onEnd(): void {
    this.#options.deadlines.delete(this);
    this.#answer(this.#toAnswer());
  }

  onFailure(): void {
    this.#options.deadlines.delete(this);
    this.#answer(undefined);
  }

  expire(): void {
    this.#giveUp();
  }

  #giveUp(): void {
    this.#options.deadlines.delete(this);
    this.#options.connection.abort();
    this.#answer(undefined);
  }

  #answer(answer: ServerAnswer | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#pieces.length = 0;
    this.#onAnswer(answer);
  }

  #toAnswer(): ServerAnswer | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    return {
      status: head.status,
      sessionId: fieldValue(head.fields, SESSION_ID_HEADER),
      isEventStream: head.isEventStream,
      body: Buffer.concat(this.#pieces).toString(),
    };
  }
}
