import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Deadlines, Expiring } from './deadlines.ts';
import type { Fields, ResponseSink } from './exchange.ts';
import { StallWatch } from './stall-watch.ts';

/** One HTTP/2 answer; flow control and framing are Node's. */
export class H2Response implements ResponseSink, Expiring {
  onClose: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  place = -1;
  deadline: number = Number.POSITIVE_INFINITY;
  readonly #stream: ServerHttp2Stream;
  readonly #deadlines: Deadlines;
  readonly #stall: StallWatch;
  #headSent = false;
  #closed = false;
  #accepted = true;

  constructor(options: { stream: ServerHttp2Stream; deadlines: Deadlines; stallTimeout: number }) {
    this.#stream = options.stream;
    this.#deadlines = options.deadlines;
    this.#stall = new StallWatch(options.stallTimeout);
    this.#stream.on('drain', () => this.#onDrain());
    this.#stream.on('close', () => this.#lose());
  }

  get headSent(): boolean {
    return this.#headSent;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(status: number, fields: Fields, body: Buffer | string): void {
    if (!this.#canRespond()) return;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.#closed = true;
    this.#stream.respond(toHeaders(status, fields, bytes.length), { endStream: bytes.length === 0 });
    if (bytes.length === 0) return;
    this.#stream.end(bytes);
    this.#watch();
  }

  open(status: number, fields: Fields, length: number | undefined): void {
    if (this.#canRespond()) this.#stream.respond(toHeaders(status, fields, length));
  }

  write(bytes: Buffer): void {
    if (this.#closed || bytes.length === 0) return;
    // The caller's bytes are only lent, while Node keeps them until the window opens.
    this.#accepted = this.#stream.write(Buffer.from(bytes)) && this.#accepted;
  }

  flush(): boolean {
    if (this.#closed || this.#accepted) return true;
    if (!this.#stall.running) this.#watch();
    return false;
  }

  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stream.end();
    this.#watch();
  }

  abort(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deadlines.delete(this);
    this.#breakOff();
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

  #canRespond(): boolean {
    if (this.#closed || this.#headSent || this.#stream.destroyed || this.#stream.closed) return false;
    this.#headSent = true;
    return true;
  }

  #onDrain(): void {
    this.#accepted = true;
    this.#stall.stop();
    this.#deadlines.delete(this);
    this.onDrain?.();
  }

  #lose(): void {
    this.#deadlines.delete(this);
    if (this.#closed) return;
    this.#closed = true;
    this.onClose?.();
  }
}

/** Node wants an object; repeated fields are joined, which RFC 9110 section 5.3 allows for all but Set-Cookie. */
function toHeaders(status: number, fields: Fields, length: number | undefined): OutgoingHttpHeaders {
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
