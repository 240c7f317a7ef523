import { isFieldValueByte, isHexByte } from './grammar.ts';

const CR = 0x0d;
const LF = 0x0a;
const MAX_SIZE_DIGITS = 8;
const MAX_TRAILER_BYTES = 8192;

type State =
  | 'size'
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'line-start'
  | 'trailer'
  | 'trailer-lf'
  | 'end-lf'
  | 'done';

/**
 * Undoes chunked coding (RFC 9112 section 7.1), strictly: hexadecimal sizes of at most eight digits, CRLF
 * only, no chunk extensions (CVE-2024-22019 and the TE.TE class hide there). Trailers are refused on
 * requests, where a late Content-Length could smuggle, and skipped on responses.
 */
export class ChunkedDecoder {
  readonly #skipsTrailers: boolean;
  #state: State = 'size';
  #digits = 0;
  #remaining = 0;
  #trailerBytes = 0;

  constructor(options: { readonly skipsTrailers: boolean }) {
    this.#skipsTrailers = options.skipsTrailers;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /**
   * Decodes from `start` and hands each run of body bytes to `onData`, as a view of `bytes`. Returns the
   * offset behind the last byte used, or `undefined` when the coding is malformed.
   */
  decode(bytes: Buffer, start: number, onData: (piece: Buffer) => void): number | undefined {
    let at = start;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#remaining);
        onData(bytes.subarray(at, end));
        this.#remaining -= end - at;
        at = end;
        if (this.#remaining === 0) this.#state = 'data-cr';
      } else if (!this.#step(bytes[at++] ?? 0)) {
        return undefined;
      }
    }
    return at;
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case 'size':
        if (isHexByte(byte) && this.#digits < MAX_SIZE_DIGITS) {
          this.#digits++;
          this.#remaining = this.#remaining * 16 + Number.parseInt(String.fromCharCode(byte), 16);
          return true;
        }
        this.#state = 'size-lf';
        return byte === CR && this.#digits > 0;
      case 'size-lf':
        this.#digits = 0;
        this.#state = this.#remaining === 0 ? 'line-start' : 'data';
        return byte === LF;
      case 'data-cr':
        this.#state = 'data-lf';
        return byte === CR;
      case 'data-lf':
        this.#state = 'size';
        return byte === LF;
      case 'line-start':
        if (byte === CR) {
          this.#state = 'end-lf';
          return true;
        }
        this.#state = 'trailer';
        return this.#skipsTrailers && this.#takeTrailerByte(byte);
      case 'trailer':
        if (byte === CR) {
          this.#state = 'trailer-lf';
          return true;
        }
        return this.#takeTrailerByte(byte);
      case 'trailer-lf':
        this.#state = 'line-start';
        return byte === LF;
      case 'end-lf':
        this.#state = 'done';
        return byte === LF;
      case 'data':
      case 'done':
        return false;
    }
  }

  #takeTrailerByte(byte: number): boolean {
    return isFieldValueByte(byte) && ++this.#trailerBytes <= MAX_TRAILER_BYTES;
  }
}
