import type { Socket } from 'node:net';
import { errorCodes, type ErrorCode } from '../lib/error-codes.ts';
import type { ArrivingBody, BodyBudget } from './body-budget.ts';
import { BodyBuffer } from './body-buffer.ts';
import { toBodyDeadline } from './body-rate.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { Peer, RequestHandler } from './exchange.ts';
import { hasBareLineFeed } from './field-lines.ts';
import { HeadMemo } from './head-memo.ts';
import { H1Response, type H1ResponseOwner } from './h1-response.ts';
import { parseRequestHead, type HeadLimits, type RequestHead } from './request-head.ts';
import { serializeHead } from './serialize.ts';
import { StallWatch } from './stall-watch.ts';

export interface H1Settings {
  readonly headBytes: number;
  readonly head: HeadLimits;
  readonly bodyBytes: number;
  /** Milliseconds. */
  readonly headTimeout: number;
  readonly bodyTimeout: number;
  readonly idleTimeout: number;
  readonly stallTimeout: number;
}

export interface H1Environment {
  readonly bodies: BodyBudget;
  readonly settings: H1Settings;
  readonly deadlines: Deadlines;
  readonly handler: RequestHandler;
  /** A request that never became one: for the log. */
  readonly onRefused: (refusal: { readonly peer: Peer; readonly code: ErrorCode }) => void;
}

/** How long a refused client may take to read the answer before its socket is destroyed. */
const LINGER_MILLISECONDS = 2000;

const CR = 0x0d;
const LF = 0x0a;
const noBody = Buffer.alloc(0);
const headEnd = Buffer.from('\r\n\r\n');
const continueResponse = 'HTTP/1.1 100 Continue\r\n\r\n';

type State = 'idle' | 'head' | 'body' | 'answering' | 'closing';

/**
 * One HTTP/1.1 client connection: reads requests one after the other, whole, and answers them in order.
 * Bytes that arrive while an answer runs are kept up to one head and one buffer, then reading pauses.
 */
export class H1Connection implements Expiring, H1ResponseOwner, ArrivingBody {
  readonly socket: Socket;
  readonly peer: Peer;
  place = -1;
  deadline: number;
  readonly #environment: H1Environment;
  readonly #onClosed: () => void;
  #state: State = 'idle';
  /** The state in which `deadline` was set last. */
  #timed: State = 'idle';
  #input: Buffer | undefined;
  #head: RequestHead | undefined;
  readonly #memo = new HeadMemo<RequestHead>();
  #isRepeat = false;
  readonly #body: BodyBuffer;
  /** Bytes of the body under way, or of the request being answered, that count against the budget. */
  #budgeted = 0;
  #overBudget = false;
  readonly #stall: StallWatch;
  #decoder: ChunkedDecoder | undefined;
  #response: H1Response | undefined;
  #draining = false;
  #reading = false;
  #skippedLine = false;

  constructor(options: { socket: Socket; peer: Peer; environment: H1Environment; onClosed: () => void }) {
    this.socket = options.socket;
    this.#environment = options.environment;
    this.peer = options.peer;
    this.#onClosed = options.onClosed;
    this.#body = new BodyBuffer(options.environment.settings.bodyBytes);
    this.#stall = new StallWatch(options.environment.settings.stallTimeout);
    this.deadline = options.environment.deadlines.now() + options.environment.settings.headTimeout;
    options.environment.deadlines.add(this);
    this.socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    this.socket.on('drain', () => this.#onDrain());
    // A client that ends its half is gone: MCP has no use for half-closed connections.
    this.socket.on('end', () => this.socket.destroy());
    this.socket.on('close', () => this.#onClose());
  }

  /**
   * Lets a running answer finish and takes no further request. `lingers`: an idle one waits for its next request, answers it and ends
   * then, since that may be on its way (RFC 9112 section 9.6).
   */
  drain(lingers: boolean): void {
    this.#draining = true;
    this.#response?.endConnection();
    if (this.#state === 'idle' && !lingers) this.#close();
  }

  expire(now: number): void {
    switch (this.#state) {
      case 'head':
      case 'body':
        this.refuse('E_HTTP_TIMEOUT');
        return;
      case 'answering':
        this.#checkStall(now);
        return;
      case 'closing':
        if (!this.socket.writableFinished) this.#checkStall(now);
        else this.socket.destroy();
        return;
      case 'idle':
        this.socket.destroy();
    }
  }

  onAnswered(keepAlive: boolean): void {
    this.#response = undefined;
    this.#giveBack();
    if (!keepAlive || this.#draining) this.#close();
    // Else the answers to pipelined requests would pile up for a client that does not read.
    else if (!this.socket.writableNeedDrain) this.#becomeIdle();
  }

  onStalled(): void {
    if (!this.#stall.running) this.deadline = this.#stall.start(this.#now(), this.socket.writableLength);
  }

  get taken(): number {
    return this.#budgeted;
  }

  #now(): number {
    return this.#environment.deadlines.now();
  }

  #becomeIdle(): void {
    if (this.#draining) {
      this.#close();
      return;
    }
    this.#state = 'idle';
    this.#timed = 'idle';
    this.deadline = this.#now() + this.#environment.settings.idleTimeout;
    if (this.socket.isPaused()) this.socket.resume();
    if (this.#input !== undefined) this.#read();
  }

  #receive(bytes: Buffer): void {
    if (this.#state === 'closing') return;
    this.#input = this.#input === undefined ? bytes : Buffer.concat([this.#input, bytes]);
    if (this.#state !== 'answering') {
      this.#read();
      return;
    }
    if (this.#input.length > this.#environment.settings.headBytes) this.socket.pause();
  }

  /** Takes requests out of the input until it runs dry or an answer has to finish first. */
  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    const before = this.#budgeted;
    let progress = true;
    while (progress && this.#input !== undefined) {
      if (this.#state === 'idle' || this.#state === 'head') progress = this.#readHead(this.#input);
      else if (this.#state === 'body') progress = this.#readBody(this.#input);
      else progress = false;
    }
    this.#reading = false;
    // Most requests arrive whole: only what has to wait for more bytes needs a deadline.
    if (this.#state !== this.#timed) this.#limitWait();
    else if (this.#state === 'body') this.#putOff(this.#budgeted - before);
  }

  #limitWait(): void {
    const { settings, bodies } = this.#environment;
    this.#timed = this.#state;
    if (this.#state === 'head') this.deadline = this.#now() + settings.headTimeout;
    else if (this.#state === 'body') {
      this.deadline = this.#now() + settings.bodyTimeout;
      bodies.addArriving(this);
    }
  }

  #putOff(bytes: number): void {
    const latest = this.#now() + this.#environment.settings.bodyTimeout;
    this.deadline = toBodyDeadline(this.deadline, bytes, latest);
  }

  #readHead(input: Buffer): boolean {
    const { settings } = this.#environment;
    if (this.#state === 'idle') {
      // RFC 9112 section 2.2: one empty line before a request is a habit of old clients.
      const start = !this.#skippedLine && input[0] === CR && input[1] === LF ? 2 : 0;
      if (start > 0) this.#skippedLine = true;
      if (input.length === start) {
        this.#input = undefined;
        return false;
      }
      if (input.length === 1 && input[0] === CR) return false;
      this.#state = 'head';
      this.#input = start === 0 ? input : input.subarray(start);
      return true;
    }
    const known = this.#memo.match(input);
    const end = known > 0 ? known : input.indexOf(headEnd) + headEnd.length;
    if (end < headEnd.length || end > settings.headBytes) {
      if (input.length > settings.headBytes) this.refuse(headTooLargeCode(input, settings));
      // Without this a request with bare line feeds would wait for its time-out instead of being refused.
      else if (hasBareLineFeed(input)) this.refuse('E_HTTP_BAD_REQUEST');
      return false;
    }
    const head = known > 0 ? this.#memo.head : this.#parseHead(input, end);
    if (head === undefined) return false;
    this.#skippedLine = false;
    this.#isRepeat = known > 0;
    this.#advance(input, end);
    this.#head = head;
    const { framing } = head;
    switch (framing.kind) {
      case 'none':
        this.#answer(head, noBody);
        return true;
      case 'length':
        if (framing.length > settings.bodyBytes) {
          this.refuse('E_HTTP_BODY_TOO_LARGE');
          return false;
        }
        break;
      case 'chunked':
        this.#decoder = new ChunkedDecoder({ skipsTrailers: false });
    }
    this.#state = 'body';
    if (head.expectsContinue) this.socket.write(continueResponse);
    return true;
  }

  #parseHead(input: Buffer, end: number): RequestHead | undefined {
    const parsed = parseRequestHead(input, 0, end, this.#environment.settings.head);
    if (!parsed.ok) {
      this.refuse(parsed.error);
      return undefined;
    }
    this.#memo.keep(input, end, parsed.value);
    return parsed.value;
  }

  #readBody(input: Buffer): boolean {
    const head = this.#head;
    if (head === undefined) return false;
    if (head.framing.kind === 'length') {
      const missing = head.framing.length - this.#body.length;
      if (input.length < missing) {
        this.#input = undefined;
        this.#takeBody(input);
        this.#makeRoom();
        return false;
      }
      this.#advance(input, missing);
      this.#takeBody(input.length === missing ? input : input.subarray(0, missing));
      if (!this.#makeRoom()) return false;
      this.#answer(head, this.#body.take());
      return true;
    }
    const used = this.#decoder?.decode(input, 0, (piece) => this.#takeBody(piece));
    if (used === undefined || this.#body.length > this.#environment.settings.bodyBytes) {
      this.refuse(used === undefined ? 'E_HTTP_BAD_REQUEST' : 'E_HTTP_BODY_TOO_LARGE');
      return false;
    }
    this.#advance(input, used);
    if (!this.#makeRoom() || this.#decoder?.done !== true) return false;
    this.#answer(head, this.#body.take());
    return true;
  }

  #takeBody(piece: Buffer): void {
    this.#body.append(piece);
    this.#budgeted += piece.length;
    if (!this.#environment.bodies.take(piece.length)) this.#overBudget = true;
  }

  /** Sees to it that there is room for what has arrived; false when the request is refused instead. */
  #makeRoom(): boolean {
    if (!this.#overBudget) return true;
    const hasRoom = this.#environment.bodies.makeRoom();
    // It may have been this one that gave way.
    if (this.#state !== 'body') return false;
    this.#overBudget = false;
    if (!hasRoom) this.refuse('E_OVERLOADED');
    return hasRoom;
  }

  #advance(input: Buffer, used: number): void {
    this.#input = used < input.length ? input.subarray(used) : undefined;
  }

  #answer(head: RequestHead, body: Buffer): void {
    this.#head = undefined;
    this.#decoder = undefined;
    if (this.#timed === 'body') this.#environment.bodies.deleteArriving(this);
    this.#state = 'answering';
    this.#timed = 'answering';
    // A running answer has no time-out of its own: streams live as long as both ends want.
    this.deadline = Number.POSITIVE_INFINITY;
    const response = new H1Response(this, {
      method: head.method,
      keepAlive: head.keepAlive && !this.#draining,
    });
    this.#response = response;
    const { method, path, query, authority, fields } = head;
    this.#environment.handler(
      {
        protocol: 'h1',
        method,
        path,
        query,
        authority,
        fields,
        isRepeat: this.#isRepeat,
        body,
        peer: this.peer,
      },
      response,
    );
  }

  /** Answers a request that cannot be read, or held; where it ends is unknown, so the connection closes. */
  refuse(code: ErrorCode): void {
    const { status = 400, title } = errorCodes[code];
    this.#environment.onRefused({ peer: this.peer, code });
    const body = `${code}: ${title}\n`;
    const head = serializeHead(status, ['content-type', 'text/plain; charset=utf-8'], {
      framing: body.length,
      keepAlive: false,
    });
    this.socket.write(`${head}${body}`);
    this.#close();
  }

  /** Ends our half, then reads and drops what still comes, so that a reset does not destroy the answer in flight. */
  #close(): void {
    this.#state = 'closing';
    this.#input = undefined;
    this.#body.clear();
    this.#environment.bodies.deleteArriving(this);
    this.#giveBack();
    if (this.socket.isPaused()) this.socket.resume();
    this.deadline = this.#stall.start(this.#now(), this.socket.writableLength);
    this.socket.once('finish', () => {
      this.deadline = this.#now() + LINGER_MILLISECONDS;
    });
    this.socket.end();
  }

  #giveBack(): void {
    this.#environment.bodies.give(this.#budgeted);
    this.#budgeted = 0;
    this.#overBudget = false;
  }

  #checkStall(now: number): void {
    const next = this.#stall.look(now, this.socket.writableLength);
    if (next === undefined) this.socket.destroy();
    else this.deadline = next;
  }

  #onDrain(): void {
    if (!this.#stall.running) return;
    this.#stall.stop();
    if (this.#state !== 'answering') return;
    this.deadline = Number.POSITIVE_INFINITY;
    if (this.#response === undefined) this.#becomeIdle();
    else this.#response.onDrain?.();
  }

  #onClose(): void {
    this.#environment.deadlines.delete(this);
    this.#environment.bodies.deleteArriving(this);
    this.#giveBack();
    this.#state = 'closing';
    this.#input = undefined;
    this.#response?.lose();
    this.#response = undefined;
    this.#onClosed();
  }
}

function headTooLargeCode(input: Buffer, settings: H1Settings): ErrorCode {
  const lineEnd = input.indexOf('\r\n');
  return lineEnd < 0 || lineEnd > settings.head.urlBytes + 32
    ? 'E_HTTP_URI_TOO_LONG'
    : 'E_HTTP_HEAD_TOO_LARGE';
}
