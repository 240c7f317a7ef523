const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const MAX_WATCHED_BYTES = 8192;
/** One more than the longest field that is compared, so that a longer line never equals it. */
const KEPT_LINE_LENGTH = 'event: endpoint'.length + 1;
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';
const nothing = Buffer.alloc(0);

/**
 * Maps the URI an upstream announces, absolute or relative, to the one clients must use; `undefined` leaves it
 * as it is. Must not throw.
 */
export type RewriteEndpoint = (uri: string) => string | undefined;

export interface EndpointStep {
  /** What may be relayed now; a view of the chunk where nothing was held back. */
  readonly bytes: Buffer;
  /** True once all further chunks can be relayed without being fed. */
  readonly done: boolean;
}

export interface EndpointRewriter {
  /** Takes the next chunk of the stream. The chunk may be reused once the returned bytes are written. */
  feed(chunk: Buffer): EndpointStep;
  /** The stream ended: whatever was still held back. */
  finish(): Buffer;
}

/**
 * Watches the beginning of an event stream for the `endpoint` event of the HTTP+SSE transport (2024-11-05) and
 * replaces the URI in it; every other byte stays. Only the value of a `data` line that may still be that URI is
 * held back. Gives up at the first event of another kind, or after 8 KiB.
 */
export function createEndpointRewriter(rewrite: RewriteEndpoint): EndpointRewriter {
  return new EndpointWatcher(rewrite);
}

type LineVerdict = 'more' | 'endpoint' | 'other';

class EndpointWatcher implements EndpointRewriter {
  readonly #rewrite: RewriteEndpoint;
  /** Copy of the bytes behind `data:` that were not relayed yet. */
  #held: Buffer = nothing;
  #isHolding = false;
  /** Length of the held value once its line has ended. */
  #valueLength: number | undefined;
  #isEndpoint = false;
  /** The line under way, as far as it is compared. */
  #line = '';
  #afterCr = false;
  #watched = 0;
  #isDone = false;

  constructor(rewrite: RewriteEndpoint) {
    this.#rewrite = rewrite;
  }

  feed(chunk: Buffer): EndpointStep {
    if (this.#isDone) return { bytes: chunk, done: true };
    const bytes = this.#isHolding ? Buffer.concat([this.#held, chunk]) : chunk;
    let heldFrom = this.#isHolding ? 0 : bytes.length;
    for (let at = this.#held.length; at < bytes.length; at++) {
      const wasHolding = this.#isHolding;
      const verdict = this.#take(bytes[at] ?? 0, at - heldFrom);
      if (!wasHolding && this.#isHolding) heldFrom = at + 1;
      if (verdict === 'more') continue;
      return this.#settle(verdict === 'endpoint' ? this.#replace(bytes, heldFrom) : bytes);
    }
    if (this.#isHolding) this.#held = Buffer.from(bytes.subarray(heldFrom));
    return { bytes: bytes.subarray(0, heldFrom), done: false };
  }

  finish(): Buffer {
    const held = this.#held;
    this.#settle(nothing);
    return held;
  }

  #settle(bytes: Buffer): EndpointStep {
    this.#isDone = true;
    this.#held = nothing;
    return { bytes, done: true };
  }

  /** `offset` counts from the first held byte. */
  #take(byte: number, offset: number): LineVerdict {
    this.#watched++;
    if (this.#watched > MAX_WATCHED_BYTES) return 'other';
    const isSecondOfCrLf = byte === LF && this.#afterCr;
    this.#afterCr = byte === CR;
    if (isSecondOfCrLf) return 'more';
    if (byte === CR || byte === LF) {
      const line = this.#line;
      this.#line = '';
      return this.#takeLine(line, offset);
    }
    if (byte === COLON && this.#line === 'data') {
      // A second data line makes the value longer than one URI.
      if (this.#isHolding) return 'other';
      this.#isHolding = true;
    }
    if (this.#line.length === KEPT_LINE_LENGTH) return 'more';
    this.#line += String.fromCharCode(byte);
    if (this.#line === BYTE_ORDER_MARK && this.#watched === BYTE_ORDER_MARK.length) this.#line = '';
    // A message in JSON is passed on as soon as its first byte tells it from a URI.
    return /^data: ?[[{]$/.test(this.#line) ? 'other' : 'more';
  }

  #takeLine(line: string, offset: number): LineVerdict {
    if (line === '') {
      if (this.#isHolding) return this.#isEndpoint ? 'endpoint' : 'other';
      this.#isEndpoint = false;
      return 'more';
    }
    if (line.startsWith('data:')) {
      this.#valueLength = offset;
      return line === 'data:' || line === 'data: ' ? 'other' : 'more';
    }
    if (line === 'data') return 'other';
    if (line === 'event:endpoint' || line === 'event: endpoint') {
      this.#isEndpoint = true;
      return 'more';
    }
    return line === 'event' || line.startsWith('event:') ? 'other' : 'more';
  }

  #replace(bytes: Buffer, heldFrom: number): Buffer {
    const start = bytes[heldFrom] === 0x20 ? heldFrom + 1 : heldFrom;
    const end = heldFrom + (this.#valueLength ?? 0);
    const uri = this.#rewrite(bytes.toString('utf8', start, end));
    // sse-injection: a line break in the new URI would start a field of the client's stream.
    if (uri === undefined || /[\r\n\0]/.test(uri)) return bytes;
    return Buffer.concat([bytes.subarray(0, start), Buffer.from(uri), bytes.subarray(end)]);
  }
}
