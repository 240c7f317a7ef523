import type { Deadlines, Expiring } from '../http/deadlines.ts';
import type { ResponseSink } from '../http/exchange.ts';
import { SseBoundary } from '../http/sse-boundary.ts';
import { byteOrderMark } from '../mcp/byte-order-mark.ts';
import type { EndpointRewriter } from '../mcp/endpoint-event.ts';
import type { ListEventStream } from '../mcp/list-event-stream.ts';

export interface EventStreamOptions {
  readonly sink: ResponseSink;
  readonly deadlines: Deadlines;
  /** Milliseconds of upstream silence after which a comment is sent. */
  readonly heartbeat: number;
  /** Watches for the `endpoint` event of the HTTP+SSE transport; `undefined` on all other streams. */
  readonly endpoint: EndpointRewriter | undefined;
  /** Takes out what the caller must not see; `undefined` where all may be seen. */
  readonly filter: ListEventStream | undefined;
  /** The next event must not be passed on, and the stream cannot go on without it. */
  readonly onRefused: () => void;
  /** Bytes that went to the client. */
  readonly onSent: (bytes: number) => void;
}

const comment = Buffer.from(': keepalive\n\n');
/** How soon to look again when a comment was due in the middle of an event. */
const RETRY_MILLISECONDS = 1000;
/**
 * Gives the event that was cut off a type no MCP client listens for, so that the half message in it is
 * dispatched to nobody, and ends it.
 */
const neutraliseCutEvent = Buffer.from('event: breakwater-cut\n\n');
const lineEnd = Buffer.from('\n');

/**
 * One event stream on its way to the client: bytes pass unchanged; comments keep it alive through whatever
 * cuts silent connections (clients after 300 s, load balancers after 60 s); our own last words go in only
 * between events.
 */
export class EventStream implements Expiring {
  place = -1;
  deadline: number;
  readonly #options: EventStreamOptions;
  readonly #boundary = new SseBoundary();
  #endpoint: EndpointRewriter | undefined;
  #farewell: Buffer | undefined;
  #onFarewell: (() => void) | undefined;
  #sentComment = false;
  #markLength = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#endpoint = options.endpoint;
    this.deadline = options.deadlines.now() + options.heartbeat;
    options.deadlines.add(this);
  }

  /** True once an event id has gone by, so that a client can resume. */
  get resumable(): boolean {
    return this.#boundary.sawId;
  }

  write(bytes: Buffer): void {
    let relayed = bytes;
    if (this.#endpoint !== undefined) {
      const step = this.#endpoint.feed(bytes);
      relayed = step.bytes;
      if (step.done) this.#endpoint = undefined;
    }
    const { filter } = this.#options;
    let isRefused = false;
    if (filter !== undefined) {
      const step = filter.feed(relayed);
      relayed = step.bytes;
      isRefused = step.refused !== undefined;
    }
    if (this.#sentComment && !this.#boundary.started) relayed = this.#withoutByteOrderMark(relayed);
    this.#boundary.feed(relayed);
    this.#send(relayed);
    // Of what is held back the client sees nothing.
    if (relayed.length > 0) this.deadline = this.#options.deadlines.now() + this.#options.heartbeat;
    if (isRefused) this.#options.onRefused();
  }

  /** Hands the bytes of one read on; false when the client is slow. */
  flush(): boolean {
    this.#leaveIfDue();
    return this.#options.sink.flush();
  }

  expire(now: number): void {
    if (!this.#boundary.atBoundary) {
      this.deadline = now + RETRY_MILLISECONDS;
      return;
    }
    this.sendComment(now);
  }

  /** To be called between events alone. */
  sendComment(now: number): void {
    this.deadline = now + this.#options.heartbeat;
    this.#sentComment = true;
    this.#send(comment);
    this.#options.sink.flush();
  }

  /** The upstream ended in order: nothing is added. */
  end(): void {
    const rest = this.#endpoint?.finish();
    // Half an event is dispatched to nobody, and may name what must not be seen.
    if (rest !== undefined && rest.length > 0 && this.#options.filter === undefined) this.#send(rest);
    this.stop();
    this.#options.sink.end();
  }

  /** The upstream broke off: says so with `finalEvent`, or breaks off too when there is none. */
  breakOff(finalEvent: Buffer | undefined): void {
    this.stop();
    const { sink } = this.#options;
    if (finalEvent === undefined) {
      sink.abort();
      return;
    }
    if (!this.#boundary.atBoundary) {
      // An end for a line that has one already would be the empty line that dispatches the half event.
      if (!this.#boundary.atLineStart) this.#send(lineEnd);
      this.#send(neutraliseCutEvent);
    }
    this.#send(finalEvent);
    sink.end();
  }

  /** Ends the stream for our own reasons with `finalEvent`, as soon as the event under way is complete. */
  leave(finalEvent: Buffer, onLeft: () => void): void {
    this.#farewell = finalEvent;
    this.#onFarewell = onLeft;
    this.#leaveIfDue();
  }

  stop(): void {
    this.#options.deadlines.delete(this);
  }

  /** Behind a comment of ours a byte order mark would no longer be the first thing and spoil the first field. */
  #withoutByteOrderMark(bytes: Buffer): Buffer {
    let at = 0;
    while (at < bytes.length && bytes[at] === byteOrderMark[this.#markLength]) {
      at++;
      this.#markLength++;
    }
    const isOther = at < bytes.length && this.#markLength < byteOrderMark.length;
    if (!isOther) return bytes.subarray(at);
    // The beginning of a mark alone belongs to the first field, which without it would be another one.
    return Buffer.concat([byteOrderMark.subarray(0, this.#markLength), bytes.subarray(at)]);
  }

  #leaveIfDue(): void {
    if (this.#farewell === undefined || !this.#boundary.atBoundary) return;
    this.#send(this.#farewell);
    this.#farewell = undefined;
    this.stop();
    this.#options.sink.end();
    this.#onFarewell?.();
  }

  #send(bytes: Buffer): void {
    this.#options.sink.write(bytes);
    this.#options.onSent(bytes.length);
  }
}
