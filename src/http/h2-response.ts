import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { Fields, ResponseSink } from './exchange.ts';
import { isExpectedAgain } from './serialize.ts';
import { StallWatch } from './stall-watch.ts';

/**
 * One HTTP/2 answer; flow control and framing are Node's. Head and pieces are gathered until `flush` or `end`: an answer that
 * is given to Node in one call costs it half as much as in three.
 */
export class H2Response implements ResponseSink, Expiring {
  onClose: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  place = -1;
  deadline: number = Number.POSITIVE_INFINITY;
  readonly #stream: ServerHttp2Stream;
  readonly #deadlines: Deadlines;
  readonly #stall: StallWatch;
  #headSent = false;
  /** The head, until it is given to Node. */
  #head: OutgoingHttpHeaders | undefined;
  #pieces: Buffer[] = [];
  #closed = false;
  #accepted = true;

  constructor(options: { stream: ServerHttp2Stream; deadlines: Deadlines; stallTimeout: number }) {
    this.#stream = options.stream;
    this.#deadlines = options.deadlines;
    this.#stall = new StallWatch(options.stallTimeout);
  }

  get headSent(): boolean {
    return this.#headSent;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(status: number, fields: Fields, body: Buffer | string): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (this.#closed || this.#headSent) return;
    this.open(status, fields, bytes.length);
    this.write(bytes);
    this.end();
  }

  open(status: number, fields: Fields, length: number | undefined): void {
    if (this.#closed || this.#headSent) return;
    this.#headSent = true;
    this.#head = toHeaders(status, fields, length);
  }

  write(bytes: Buffer): void {
    if (!this.#closed && bytes.length > 0) this.#pieces.push(bytes);
  }

  flush(): boolean {
    if (this.#closed || !this.#canWrite()) return true;
    this.#respond(false);
    if (this.#pieces.length > 0) this.#accepted = this.#stream.write(this.#takePieces()) && this.#accepted;
    if (this.#accepted) return true;
    if (!this.#stall.running) {
      this.#watch();
      this.#stream.once('drain', () => this.#onDrain());
    }
    return false;
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (!this.#canWrite()) return;
    const isEmpty = this.#pieces.length === 0;
    const endsWithHead = isEmpty && this.#head !== undefined;
    this.#respond(endsWithHead);
    if (endsWithHead) return;
    if (isEmpty) this.#stream.end();
    else this.#stream.end(this.#takePieces());
    this.#watch();
  }

  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadlines.delete(this);
    this.#breakOff();
  }

  /** The stream has closed. */
  lose(): void {
    this.#deadlines.delete(this);
    if (this.#closed) return;
    this.#closed = true;
    this.onClose?.();
  }

  expire(now: number): void {
    const next = this.#stall.look(now, this.#stream.writableLength);
    if (next === undefined) this.#breakOff();
    else this.deadline = next;
  }

  /** A client that never opens its window must not keep an answer in memory, complete or not (CVE-2019-9517). */
  #watch(): void {
    this.deadline = this.#stall.start(this.#deadlines.now(), this.#stream.writableLength);
    this.#deadlines.add(this);
  }

  /** Resets the stream. `close(code)` would end the body first, and half an answer would look like a whole one. */
  #breakOff(): void {
    this.#stream.destroy(new Error('the answer is broken off'));
  }

  #canWrite(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #respond(endStream: boolean): void {
    if (this.#head === undefined) return;
    this.#stream.respond(this.#head, { endStream });
    this.#head = undefined;
  }

  /** A copy of what was gathered: the caller's bytes are only lent, while Node keeps them until the window opens. */
  #takePieces(): Buffer {
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return bytes;
  }

  #onDrain(): void {
    this.#accepted = true;
    this.#stall.stop();
    this.#deadlines.delete(this);
    this.onDrain?.();
  }
}

interface KeptHeaders {
  readonly status: number;
  readonly length: number | undefined;
  readonly headers: OutgoingHttpHeaders;
}

/** What fields that come again and again became. Node copies the object it is given. */
const kept = new WeakMap<Fields, KeptHeaders>();

function toHeaders(status: number, fields: Fields, length: number | undefined): OutgoingHttpHeaders {
  const known = kept.get(fields);
  if (known?.status === status && known.length === length) return known.headers;
  const headers = buildHeaders(status, fields, length);
  if (isExpectedAgain(fields)) kept.set(fields, { status, length, headers });
  return headers;
}

/** Node wants an object; repeated fields are joined, which RFC 9110 section 5.3 allows for all but Set-Cookie. */
function buildHeaders(status: number, fields: Fields, length: number | undefined): OutgoingHttpHeaders {
  // Without a prototype, so that a field named `constructor` finds no earlier value.
  const headers = Object.create(null) as OutgoingHttpHeaders;
  headers[':status'] = status;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    const value = fields[index + 1] ?? '';
    const earlier = headers[name];
    if (earlier === undefined) headers[name] = value;
    else if (name === 'set-cookie') headers[name] = [earlier, value].flat().map(String);
    else headers[name] = `${String(earlier)}, ${value}`;
  }
  if (length !== undefined && status !== 204 && status !== 304) headers['content-length'] = length;
  return headers;
}
