import type { ServerHttp2Stream } from 'node:http2';
import { errorCodes, type ErrorCode } from '../lib/error-codes.ts';
import type { ArrivingBody, BodyBudget } from './body-budget.ts';
import { BodyBuffer } from './body-buffer.ts';
import { toBodyDeadline } from './body-rate.ts';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { Peer } from './exchange.ts';
import type { H2RequestHead } from './h2-request.ts';
import { H2Response } from './h2-response.ts';
import { takesBody } from './method.ts';

export interface H2StreamSettings {
  readonly bodyBytes: number;
  /** Milliseconds. */
  readonly bodyTimeout: number;
  readonly stallTimeout: number;
}

/** What a stream needs from its connection. */
export interface H2StreamOwner {
  readonly settings: H2StreamSettings;
  readonly deadlines: Deadlines;
  readonly bodies: BodyBudget;
  readonly peer: Peer;
  /** Counts bytes of bodies that are being read, less when negative; false when the connection holds too many. */
  holdBody(bytes: number): boolean;
  /** The request is whole: it is to be handed on, unless it is reset in the same breath. */
  onRequest(stream: H2Stream): void;
  onRefused(code: ErrorCode): void;
  onStreamClosed(rstCode: number | undefined): void;
}

/** The head of a stream's request. */
export interface H2Opening {
  readonly head: H2RequestHead;
  /** True when the connection's last stream had this very head, the same object. */
  readonly isRepeat: boolean;
  /** True when no body follows. */
  readonly endsWithHead: boolean;
}

const noBody = Buffer.alloc(0);
/** Up to here a body, as nearly all are whole by then, buys no time and never has to give way. */
const SMALL_BODY_BYTES = 4096;

/** One HTTP/2 stream: reads its request whole, then carries the answer. A single listener an event: there is a stream a call. */
export class H2Stream implements Expiring, ArrivingBody {
  place = -1;
  deadline: number = Number.POSITIVE_INFINITY;
  readonly #stream: ServerHttp2Stream;
  readonly #owner: H2StreamOwner;
  #opening: H2Opening | undefined;
  #isReading = false;
  #body: BodyBuffer | undefined;
  /** Bytes that count against the budget until the stream closes: the body is held until its request is answered. */
  #budgeted = 0;
  #response: H2Response | undefined;

  constructor(stream: ServerHttp2Stream, owner: H2StreamOwner) {
    this.#stream = stream;
    this.#owner = owner;
    // An error on a stream is followed by its `close`, which is where the answer learns of it.
    stream.on('error', () => stream.destroy());
    stream.once('close', () => this.#onClose());
  }

  /** True when it can still be answered. */
  get isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  /** The head of the request, once it is read. */
  get opening(): H2Opening | undefined {
    return this.#opening;
  }

  /** Reads the body that follows a head, or hands on a request without one. */
  read(opening: H2Opening): void {
    this.#opening = opening;
    if (opening.endsWithHead) {
      this.#hand();
      return;
    }
    const { settings, deadlines } = this.#owner;
    this.#isReading = true;
    this.#body = new BodyBuffer(settings.bodyBytes);
    this.deadline = deadlines.now() + settings.bodyTimeout;
    deadlines.add(this);
    this.#stream.on('data', (piece: Buffer) => this.#onData(piece));
    this.#stream.once('end', () => this.#onEnd());
  }

  /** The body of a whole request. */
  takeBody(): Buffer {
    return this.#body?.take() ?? noBody;
  }

  /** Begins the answer. */
  respond(): H2Response {
    const { deadlines, settings } = this.#owner;
    const response = new H2Response({
      stream: this.#stream,
      deadlines,
      stallTimeout: settings.stallTimeout,
    });
    this.#response = response;
    return response;
  }

  refuse(code: ErrorCode): void {
    this.#stopReading();
    this.#giveBack();
    this.#owner.onRefused(code);
    if (!this.isOpen) return;
    const { status = 400, title } = errorCodes[code];
    this.respond().send(status, ['content-type', 'text/plain; charset=utf-8'], `${code}: ${title}\n`);
    this.#stream.resume();
    // Resets the stream once the answer is out (RFC 9113 section 8.1), or the rest of a body would be read for ever.
    this.#stream.close();
  }

  expire(): void {
    this.refuse('E_HTTP_TIMEOUT');
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  get taken(): number {
    return this.#budgeted;
  }

  #onData(piece: Buffer): void {
    const { bodies, settings } = this.#owner;
    if (!this.#isReading || this.#body === undefined) return;
    this.#body.append(piece);
    this.#budgeted += piece.length;
    const isHeld = this.#owner.holdBody(piece.length);
    const isAffordable = bodies.take(piece.length) || bodies.makeRoom();
    // It may have been this one that gave way.
    if (!this.#isReading) return;
    if (this.#budgeted > settings.bodyBytes) this.refuse('E_HTTP_BODY_TOO_LARGE');
    else if (!isAffordable || !isHeld) this.refuse('E_OVERLOADED');
    else if (this.#budgeted > SMALL_BODY_BYTES) this.#wait(piece.length);
  }

  /** Nothing says yet whether the body is whole. */
  #wait(bytes: number): void {
    const { bodies, deadlines, settings } = this.#owner;
    this.deadline = toBodyDeadline(this.deadline, bytes, deadlines.now() + settings.bodyTimeout);
    bodies.addArriving(this);
  }

  #onEnd(): void {
    if (!this.#isReading) return;
    this.#stopReading();
    const hasBody = this.#body !== undefined && this.#body.length > 0;
    if (hasBody && !takesBody(this.#opening?.head.method ?? '')) this.refuse('E_HTTP_BAD_REQUEST');
    else this.#hand();
  }

  #hand(): void {
    this.#stream.resume();
    this.#owner.onRequest(this);
  }

  #stopReading(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.#owner.deadlines.delete(this);
    this.#owner.holdBody(-this.#budgeted);
    if (this.#budgeted > SMALL_BODY_BYTES) this.#owner.bodies.deleteArriving(this);
  }

  #giveBack(): void {
    this.#owner.bodies.give(this.#budgeted);
    this.#budgeted = 0;
    this.#body = undefined;
  }

  #onClose(): void {
    this.#stopReading();
    this.#giveBack();
    this.#owner.onStreamClosed(this.#stream.rstCode);
    this.#response?.lose();
  }
}
