import {
  constants,
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { BodyBudget } from './body-budget.ts';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { Peer, RequestHandler } from './exchange.ts';
import { parseH2Head, type H2RequestHead } from './h2-request.ts';
import { H2Stream, type H2StreamOwner, type H2StreamSettings } from './h2-stream.ts';

export interface H2Settings extends H2StreamSettings {
  readonly headBytes: number;
  readonly headFields: number;
  readonly urlBytes: number;
  readonly maxStreams: number;
  /** Milliseconds. */
  readonly headTimeout: number;
  readonly idleTimeout: number;
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

export class H2Session implements Expiring, H2StreamOwner {
  place = -1;
  deadline: number;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #environment: H2Environment;
  readonly peer: Peer;
  readonly settings: H2Settings;
  readonly deadlines: Deadlines;
  readonly bodies: BodyBudget;
  /** The last head, and the header list it was read from: clients send the same one again and again. */
  #list: readonly string[] = [];
  #head: H2RequestHead | undefined;
  #isUsed = false;
  /** Streams whose requests arrived whole in this turn. */
  #whole: H2Stream[] = [];
  #openStreams = 0;
  #bodyBytes = 0;
  #breaches = 0;
  #draining = false;

  constructor(session: ServerHttp2Session, options: H2SessionOptions) {
    this.#session = session;
    this.#socket = options.socket;
    this.#environment = options.environment;
    this.peer = options.peer;
    const { deadlines, settings, bodies } = options.environment;
    this.settings = settings;
    this.deadlines = deadlines;
    this.bodies = bodies;
    this.deadline = deadlines.now() + settings.headTimeout;
    deadlines.add(this);
    session.on('error', () => session.destroy());
    session.on('stream', (stream, _headers: IncomingHttpHeaders, flags: number, list: string[]) =>
      this.#onStream(stream, flags, list),
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

  #onStream(stream: ServerHttp2Stream, flags: number, list: readonly string[]): void {
    this.#openStreams++;
    this.deadline = Number.POSITIVE_INFINITY;
    const each = new H2Stream(stream, this);
    const isRepeat = this.#head !== undefined && isSameList(list, this.#list);
    const head = isRepeat ? this.#head : this.#parseHead(each, list);
    if (head !== undefined) each.read({ head, isRepeat, endsWithHead: (flags & END_STREAM) !== 0 });
  }

  #parseHead(stream: H2Stream, list: readonly string[]): H2RequestHead | undefined {
    const head = parseH2Head(list, this.#environment.settings.urlBytes);
    if (!head.ok) {
      stream.refuse(head.error);
      return undefined;
    }
    // The first one is let go: many connections carry a single stream and hold nothing for it.
    if (this.#isUsed) {
      this.#list = list;
      this.#head = head.value;
    }
    this.#isUsed = true;
    return head.value;
  }

  holdBody(bytes: number): boolean {
    this.#bodyBytes += bytes;
    return this.#bodyBytes <= this.settings.bodyBytes * BODIES_PER_SESSION;
  }

  onRequest(stream: H2Stream): void {
    // Once all frames of this read are seen: requests that were reset in the same breath reach nobody (rapid reset).
    if (this.#whole.length === 0) setImmediate(() => this.#handOn());
    this.#whole.push(stream);
  }

  onRefused(code: ErrorCode): void {
    this.#environment.onRefused({ peer: this.peer, code });
  }

  /** Node ends a session at the first breach of the protocol itself; Bun resets the stream alone, however often. */
  onStreamClosed(rstCode: number | undefined): void {
    this.#openStreams--;
    if (!harmlessCodes.has(rstCode ?? constants.NGHTTP2_NO_ERROR) && ++this.#breaches > MAX_BREACHES)
      this.expire();
    if (this.#openStreams > 0) return;
    const idle = this.#draining ? LINGER_MILLISECONDS : this.settings.idleTimeout;
    this.deadline = this.deadlines.now() + idle;
  }

  #handOn(): void {
    const streams = this.#whole;
    this.#whole = [];
    for (const stream of streams) {
      const { opening } = stream;
      if (!stream.isOpen || opening === undefined) continue;
      const { method, path, query, authority, fields } = opening.head;
      const { isRepeat } = opening;
      const body = stream.takeBody();
      this.#environment.handler(
        { protocol: 'h2', method, path, query, authority, fields, isRepeat, body, peer: this.peer },
        stream.respond(),
      );
    }
  }
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}
