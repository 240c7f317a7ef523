import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { errorCodes, type ErrorCode } from '../lib/error-codes.ts';
import type { BodyBudget } from './body-budget.ts';
import { BodyBuffer } from './body-buffer.ts';
import { toExtraTime } from './body-rate.ts';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { Peer, RequestHandler } from './exchange.ts';
import { parseH2Head, type H2RequestHead } from './h2-request.ts';
import { H2Response } from './h2-response.ts';
import { takesBody } from './method.ts';

export interface H2Settings {
  readonly headBytes: number;
  readonly headFields: number;
  readonly urlBytes: number;
  readonly bodyBytes: number;
  readonly maxStreams: number;
  /** Milliseconds. */
  readonly headTimeout: number;
  readonly bodyTimeout: number;
  readonly idleTimeout: number;
  readonly stallTimeout: number;
}

export interface H2Environment {
  readonly bodies: BodyBudget;
  readonly settings: H2Settings;
  readonly deadlines: Deadlines;
  readonly handler: RequestHandler;
  readonly onRefused: (refusal: { readonly peer: Peer; readonly code: ErrorCode }) => void;
}

export interface H2SessionOptions {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly environment: H2Environment;
  readonly onClosed: () => void;
}

const END_STREAM = 0x1;
const PROTOCOL_PAIRS = 8;
/** Resets a client may cause at once and per second before the session ends (rapid reset, CVE-2023-44487). */
const RESET_BURST = 100;
const RESETS_PER_SECOND = 10;
/** Bodies one session may hold at the same time, as a multiple of the largest allowed body. */
const BODIES_PER_SESSION = 4;
const LINGER_MILLISECONDS = 2000;
/** Streams that may end by a client's breach of the protocol before its session does (made-you-reset, CVE-2025-8671). */
const MAX_BREACHES = 100;
/** Codes of streams that end for other reasons. */
const harmlessCodes: ReadonlySet<number> = new Set([
  constants.NGHTTP2_NO_ERROR,
  constants.NGHTTP2_INTERNAL_ERROR,
  constants.NGHTTP2_REFUSED_STREAM,
  constants.NGHTTP2_CANCEL,
]);

/**
 * One HTTP/2 client connection on an accepted socket, with hard limits where Node has none: streams, header
 * list, resets, idle time, time for a body, memory for bodies.
 */
export function createH2Session(options: H2SessionOptions): H2Session {
  const { settings } = options.environment;
  const session = performServerHandshake(options.socket, {
    settings: {
      maxConcurrentStreams: settings.maxStreams,
      maxHeaderListSize: settings.headBytes,
      enableConnectProtocol: false,
    },
    maxHeaderListPairs: settings.headFields + PROTOCOL_PAIRS,
    maxSessionInvalidFrames: 100,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
  });
  return new H2Session(session, options);
}

export class H2Session implements Expiring {
  place = -1;
  deadline: number;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #environment: H2Environment;
  readonly #peer: Peer;
  #openStreams = 0;
  #bodyBytes = 0;
  #breaches = 0;
  #draining = false;

  constructor(session: ServerHttp2Session, options: H2SessionOptions) {
    this.#session = session;
    this.#socket = options.socket;
    this.#environment = options.environment;
    this.#peer = options.peer;
    const { deadlines, settings } = options.environment;
    this.deadline = deadlines.now() + settings.headTimeout;
    deadlines.add(this);
    session.on('error', () => session.destroy());
    session.on('stream', (stream, _headers: IncomingHttpHeaders, flags: number, list: string[]) =>
      this.#onStream(stream, { endsWithHead: (flags & END_STREAM) !== 0, list }),
    );
    session.once('close', () => {
      deadlines.delete(this);
      options.onClosed();
    });
  }

  /** Sends GOAWAY and lets running streams finish. */
  drain(): void {
    this.#draining = true;
    this.#session.close();
    if (this.#openStreams === 0) this.deadline = this.#environment.deadlines.now() + LINGER_MILLISECONDS;
  }

  expire(): void {
    this.#session.destroy();
    // A write that is still pending in Node keeps a destroyed session from closing its socket.
    this.#socket.destroy();
  }

  #onStream(stream: ServerHttp2Stream, opening: { endsWithHead: boolean; list: readonly string[] }): void {
    this.#openStreams++;
    this.deadline = Number.POSITIVE_INFINITY;
    // An error on a stream is followed by its `close`, which is where the answer learns of it.
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      this.#openStreams--;
      if (!harmlessCodes.has(stream.rstCode ?? constants.NGHTTP2_NO_ERROR)) this.#countBreach();
      if (this.#openStreams > 0) return;
      const { deadlines, settings } = this.#environment;
      this.deadline = deadlines.now() + (this.#draining ? LINGER_MILLISECONDS : settings.idleTimeout);
    });
    const head = parseH2Head(opening.list, this.#environment.settings.urlBytes);
    if (!head.ok) this.#refuse(stream, head.error);
    else if (opening.endsWithHead) this.#answer(stream, head.value, Buffer.alloc(0));
    else this.#readBody(stream, head.value);
  }

  /** Node ends a session at the first breach itself; Bun resets the stream alone, however often. */
  #countBreach(): void {
    this.#breaches++;
    if (this.#breaches > MAX_BREACHES) this.expire();
  }

  #readBody(stream: ServerHttp2Stream, head: H2RequestHead): void {
    const { bodies, deadlines, settings } = this.#environment;
    const body = new BodyBuffer(settings.bodyBytes);
    let budgeted = 0;
    // The body is held until its request is answered, which is when the stream closes.
    stream.once('close', () => bodies.give(budgeted));
    const expiry: Expiring = {
      place: -1,
      deadline: deadlines.now() + settings.bodyTimeout,
      expire: () => finish(() => this.#refuse(stream, 'E_HTTP_TIMEOUT')),
    };
    const finish = (then: () => void): void => {
      deadlines.delete(expiry);
      this.#bodyBytes -= body.length;
      stream.removeAllListeners('data');
      stream.removeAllListeners('end');
      stream.removeListener('close', onClose);
      then();
    };
    const onClose = (): void => finish(() => undefined);
    deadlines.add(expiry);
    stream.once('close', onClose);
    stream.on('data', (piece: Buffer) => {
      body.append(piece);
      this.#bodyBytes += piece.length;
      budgeted += piece.length;
      expiry.deadline += toExtraTime(piece.length);
      const isAffordable = bodies.take(piece.length);
      if (body.length > settings.bodyBytes) finish(() => this.#refuse(stream, 'E_HTTP_BODY_TOO_LARGE'));
      else if (!isAffordable || this.#bodyBytes > settings.bodyBytes * BODIES_PER_SESSION) {
        finish(() => this.#refuse(stream, 'E_OVERLOADED'));
      }
    });
    stream.once('end', () => finish(() => this.#answer(stream, head, body.take())));
  }

  #answer(stream: ServerHttp2Stream, head: H2RequestHead, body: Buffer): void {
    if (body.length > 0 && !takesBody(head.method)) {
      this.#refuse(stream, 'E_HTTP_BAD_REQUEST');
      return;
    }
    const { deadlines, settings, handler } = this.#environment;
    stream.resume();
    // Once all frames of this read are seen: requests that were reset in the same breath reach nobody (rapid reset).
    setImmediate(() => {
      if (stream.destroyed || stream.closed) return;
      const response = new H2Response({ stream, deadlines, stallTimeout: settings.stallTimeout });
      const { method, path, query, authority, fields } = head;
      handler(
        {
          protocol: 'h2',
          method,
          path,
          query,
          authority,
          fields,
          isRepeat: false,
          body,
          peer: this.#peer,
        },
        response,
      );
    });
  }

  #refuse(stream: ServerHttp2Stream, code: ErrorCode): void {
    const { status = 400, title } = errorCodes[code];
    this.#environment.onRefused({ peer: this.#peer, code });
    if (stream.destroyed || stream.closed) return;
    const { deadlines, settings } = this.#environment;
    const response = new H2Response({ stream, deadlines, stallTimeout: settings.stallTimeout });
    response.send(status, ['content-type', 'text/plain; charset=utf-8'], `${code}: ${title}\n`);
    stream.resume();
    // Resets the stream once the answer is out (RFC 9113 section 8.1), or the rest of a body would be read for ever.
    stream.close();
  }
}
