import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { ChunkedDecoder } from '../http/chunked-decoder.ts';
import { hasBareLineFeed } from '../http/field-lines.ts';
import { HeadMemo } from '../http/head-memo.ts';
import { parseResponseHead, type ResponseFraming, type ResponseHead } from '../http/response-head.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { writeInTurn } from '../lib/turn-writes.ts';
import type { UpstreamTarget } from './target.ts';

/** Who wants an answer. Calls come in this order, and nothing comes after `onEnd` or `onFailure`. */
export interface UpstreamListener {
  /** `isRepeat`: the connection's last answer had this very head, and `head` is the same object as it was. */
  onHead(head: ResponseHead, isRepeat: boolean): void;
  /** Bytes of the body, framing removed; they are valid until the call returns. */
  onData(bytes: Buffer): void;
  /** Everything of one read has been handed over; false pauses reading until `resume`. */
  onFlush(): boolean;
  onEnd(): void;
  /** `delivered` is false only when certainly no byte of the request reached the upstream. */
  onFailure(code: ErrorCode, delivered: boolean): void;
}

export interface UpstreamConnectionOptions {
  readonly target: UpstreamTarget;
  readonly clock: Clock;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Shared by all connections of a process: each read is handed on before the next one happens. */
  readonly readBuffer: Buffer;
  /** The answer is complete and the connection can take another request. */
  readonly onIdle: (connection: UpstreamConnection) => void;
  readonly onClosed: (connection: UpstreamConnection) => void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const headEnd = Buffer.from('\r\n\r\n');

type State = 'idle' | 'head' | 'body' | 'closed';

/** One connection to an upstream: one request at a time, strict HTTP/1.1, read into a shared buffer. */
export class UpstreamConnection {
  /** When the connection was opened and last became idle, in milliseconds of the clock. */
  readonly openedAt: number;
  idleSince = 0;
  /** Longest idle time the upstream has promised to keep the connection. */
  keepAliveFor: number = Number.POSITIVE_INFINITY;
  /** For whoever looks after sockets; all else goes through the methods. */
  readonly socket: Socket;
  readonly #options: UpstreamConnectionOptions;
  #connectTimer: Timer | undefined;
  #connected = false;
  #timedOut = false;
  #state: State = 'idle';
  #listener: UpstreamListener | undefined;
  #method = '';
  #partialHead: Buffer | undefined;
  #head: ResponseHead | undefined;
  readonly #memo = new HeadMemo<ResponseHead>();
  #remaining = 0;
  #decoder: ChunkedDecoder | undefined;

  constructor(options: UpstreamConnectionOptions) {
    this.#options = options;
    this.openedAt = options.clock.monotonic();
    this.socket = open(options.target, {
      buffer: options.readBuffer,
      callback: (length, buffer) => this.#receive(Buffer.from(buffer.buffer, buffer.byteOffset, length)),
    });
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, 60_000);
    this.#connectTimer = options.clock.setTimeout(() => {
      this.#timedOut = true;
      this.socket.destroy();
    }, options.connectTimeout);
    const ready = options.target.kind === 'tcp' && options.target.secure ? 'secureConnect' : 'connect';
    this.socket.once(ready, () => {
      this.#connected = true;
      this.#connectTimer?.cancel();
      this.#connectTimer = undefined;
    });
    // `close` follows each error and settles the exchange.
    this.socket.on('error', () => this.socket.destroy());
    this.socket.on('end', () => this.#onEnd());
    this.socket.on('close', () => this.#onClose());
  }

  /** True while a request can be sent on it. */
  get usable(): boolean {
    return this.#state === 'idle' && !this.socket.destroyed && this.socket.writable;
  }

  /** Sends one serialised request, its pieces in one system call; the answer goes to `listener`. */
  send(request: readonly Buffer[], method: string, listener: UpstreamListener): void {
    this.#state = 'head';
    this.#method = method;
    this.#listener = listener;
    for (const piece of request) writeInTurn(this.socket, piece);
  }

  resume(): void {
    this.socket.resume();
  }

  /** From now on somebody else wants the answer; the one before hears nothing more. */
  handOver(listener: UpstreamListener): void {
    this.#listener = listener;
    this.socket.resume();
  }

  /** Gives the exchange up: the upstream sees the connection close. No listener is called any more. */
  abort(): void {
    this.#listener = undefined;
    this.socket.destroy();
  }

  #receive(bytes: Buffer): boolean {
    const listener = this.#listener;
    if (this.#state === 'idle' || listener === undefined) {
      // Bytes nobody asked for would be taken for the next client's answer (response-queue poisoning, CVE-2026-48931).
      this.socket.destroy();
      return false;
    }
    let at = 0;
    let input = bytes;
    while (this.#state === 'head') {
      if (this.#partialHead !== undefined) {
        input = Buffer.concat([this.#partialHead, input.subarray(at)]);
        at = 0;
        this.#partialHead = undefined;
      }
      const next = this.#readHead(at === 0 ? input : input.subarray(at), listener);
      if (next === undefined) return true;
      at += next;
    }
    if (this.#state === 'body' && this.#listener === listener) this.#readBody(input, at, listener);
    // While the answer runs, the listener decides whether more may come; afterwards it is gone.
    return this.#listener === listener ? listener.onFlush() : true;
  }

  /** Returns the bytes the head took, or `undefined` when there is nothing more to read. */
  #readHead(input: Buffer, listener: UpstreamListener): number | undefined {
    const known = this.#method === 'POST' ? this.#memo.match(input) : 0;
    const end = known > 0 ? known : input.indexOf(headEnd) + headEnd.length;
    if (end < headEnd.length && input.length <= MAX_HEAD_BYTES && !hasBareLineFeed(input)) {
      // The buffer is shared, so what has to wait is copied out of it.
      this.#partialHead = Buffer.from(input);
      return undefined;
    }
    const head = known > 0 ? this.#memo.head : this.#parseHead(input, end);
    if (head === undefined) {
      this.#fail('E_UPSTREAM_BAD_RESPONSE');
      return undefined;
    }
    if (head.status < 200) return end;
    this.#head = head;
    this.#state = 'body';
    this.#begin(head.framing);
    listener.onHead(head, known > 0);
    return end;
  }

  #parseHead(input: Buffer, end: number): ResponseHead | undefined {
    if (end < headEnd.length || end > MAX_HEAD_BYTES) return undefined;
    const parsed = parseResponseHead(input, end, this.#method);
    if (!parsed.ok || parsed.value.status === 101) return undefined;
    // Whether a body follows depends on the method too; calls are what repeats.
    if (this.#method === 'POST') this.#memo.keep(input, end, parsed.value);
    return parsed.value;
  }

  #begin(framing: ResponseFraming): void {
    switch (framing.kind) {
      case 'none':
        this.#remaining = 0;
        return;
      case 'length':
        this.#remaining = framing.length;
        return;
      case 'chunked':
        this.#decoder = new ChunkedDecoder({ skipsTrailers: true });
        return;
      case 'close':
        this.#remaining = Number.POSITIVE_INFINITY;
    }
  }

  #readBody(input: Buffer, start: number, listener: UpstreamListener): void {
    let at = start;
    if (this.#decoder !== undefined) {
      const used = this.#decoder.decode(input, at, (piece) => listener.onData(piece));
      if (used === undefined) {
        this.#fail('E_UPSTREAM_BAD_RESPONSE');
        return;
      }
      at = used;
      if (!this.#decoder.done) return;
    } else {
      const end = Math.min(input.length, at + this.#remaining);
      if (end > at) listener.onData(input.subarray(at, end));
      this.#remaining -= end - at;
      at = end;
      if (this.#remaining > 0) return;
    }
    this.#complete(at < input.length);
  }

  /** The answer has ended. `excess` tells that the upstream sent more than it announced. */
  #complete(excess: boolean): void {
    const listener = this.#listener;
    const head = this.#head;
    this.#listener = undefined;
    this.#head = undefined;
    this.#decoder = undefined;
    this.#state = 'idle';
    // An upstream that answered before it had read the whole request may read the rest as the next one.
    const reusable = head?.keepAlive === true && !excess && this.socket.writableLength === 0;
    if (reusable) {
      this.idleSince = this.#options.clock.monotonic();
      this.keepAliveFor = head.keepAliveFor ?? Number.POSITIVE_INFINITY;
      this.#options.onIdle(this);
    } else {
      this.socket.destroy();
    }
    listener?.onEnd();
  }

  #fail(code: ErrorCode): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.socket.destroy();
    listener?.onFailure(code, true);
  }

  #onEnd(): void {
    if (this.#state === 'body' && this.#head?.framing.kind === 'close') this.#complete(false);
    this.socket.destroy();
  }

  #onClose(): void {
    this.#connectTimer?.cancel();
    const listener = this.#listener;
    const inBody = this.#state === 'body';
    this.#listener = undefined;
    this.#state = 'closed';
    this.#partialHead = undefined;
    this.#options.onClosed(this);
    if (listener === undefined) return;
    if (!this.#connected) {
      listener.onFailure(this.#timedOut ? 'E_UPSTREAM_TIMEOUT' : 'E_UPSTREAM_UNREACHABLE', false);
    } else {
      listener.onFailure(inBody ? 'E_UPSTREAM_BROKE_OFF' : 'E_UPSTREAM_CLOSED', true);
    }
  }
}

function open(target: UpstreamTarget, onread: OnReadOpts): Socket {
  if (target.kind === 'unix') return connectTcp({ path: target.socketPath, onread });
  const { host, port, address = host } = target;
  if (!target.secure) return connectTcp({ host: address, port, onread });
  const servername = isIP(host) === 0 ? host : '';
  // `onread` reaches the socket underneath; the type of the options does not know it.
  const options: ConnectionOptions & { onread: OnReadOpts } = {
    host: address,
    port,
    servername,
    ALPNProtocols: ['http/1.1'],
    // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment does not open the way to the upstream.
    rejectUnauthorized: true,
    onread,
  };
  return connectTls(options);
}
