import type { Socket } from 'node:net';
import { writeInTurn } from '../lib/turn-writes.ts';
import type { Fields, ResponseSink } from './exchange.ts';
import { recallHead, serializeHead, type AnswerFraming } from './serialize.ts';

/** What a response needs from its connection. */
export interface H1ResponseOwner {
  readonly socket: Socket;
  /** The answer is complete; `keepAlive` tells whether the connection may take another request. */
  onAnswered(keepAlive: boolean): void;
  onStalled(): void;
}

/**
 * One HTTP/1.1 answer. Pieces are gathered between `write` and `flush`, so that a head, its body and the
 * chunk framing leave in one TLS record and one system call, which are most of what a call costs.
 */
export class H1Response implements ResponseSink {
  onClose: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly #owner: H1ResponseOwner;
  readonly #withoutBody: boolean;
  #keepAlive: boolean;
  #headSent = false;
  #closed = false;
  #chunked = false;
  #pendingHead = '';
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  constructor(owner: H1ResponseOwner, request: { readonly method: string; readonly keepAlive: boolean }) {
    this.#owner = owner;
    this.#withoutBody = request.method === 'HEAD';
    this.#keepAlive = request.keepAlive;
  }

  get headSent(): boolean {
    return this.#headSent;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Makes this answer the last one of its connection; without effect once the head is out. */
  endConnection(): void {
    this.#keepAlive = false;
  }

  send(status: number, fields: Fields, body: Buffer | string, close = false): void {
    if (this.#closed || this.#headSent) return;
    if (close) this.#keepAlive = false;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.open(status, fields, bytes.length);
    if (bytes.length > 0) this.write(bytes);
    this.end();
  }

  open(status: number, fields: Fields, length: number | undefined): void {
    if (this.#closed || this.#headSent) return;
    this.#headSent = true;
    const framing = this.#toFraming(status, length);
    this.#chunked = framing === 'chunked';
    const known =
      typeof framing === 'number' && this.#keepAlive ? recallHead(status, fields, framing) : undefined;
    if (known !== undefined) this.#add(known);
    else this.#pendingHead = serializeHead(status, fields, { framing, keepAlive: this.#keepAlive });
  }

  write(bytes: Buffer): void {
    if (this.#closed || this.#withoutBody || bytes.length === 0) return;
    this.#add(bytes);
  }

  flush(): boolean {
    if (this.#closed) return true;
    return this.#transmit('');
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#transmit(this.#chunked ? '0\r\n\r\n' : '');
    this.#owner.onAnswered(this.#keepAlive);
  }

  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.socket.destroy();
  }

  /** The client has gone. */
  lose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pieces = [];
    this.onClose?.();
  }

  #toFraming(status: number, length: number | undefined): AnswerFraming {
    if (status === 204 || status === 304) return 'none';
    if (length !== undefined) return length;
    return this.#withoutBody ? 'none' : 'chunked';
  }

  #add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
  }

  #transmit(tail: string): boolean {
    const framed = this.#chunked && this.#pieceBytes > 0;
    const lead = framed ? `${this.#pendingHead}${this.#pieceBytes.toString(16)}\r\n` : this.#pendingHead;
    const trail = framed ? `\r\n${tail}` : tail;
    const total = lead.length + this.#pieceBytes + trail.length;
    if (total === 0) return true;
    const message = Buffer.allocUnsafe(total);
    let at = lead === '' ? 0 : message.write(lead, 0, 'latin1');
    for (const piece of this.#pieces) {
      message.set(piece, at);
      at += piece.length;
    }
    if (trail !== '') message.write(trail, at, 'latin1');
    this.#pendingHead = '';
    this.#pieces = [];
    this.#pieceBytes = 0;
    const accepted = writeInTurn(this.#owner.socket, message);
    if (!accepted) this.#owner.onStalled();
    return accepted;
  }
}
