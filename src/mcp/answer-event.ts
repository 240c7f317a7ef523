import { parseJsonObject } from '../lib/json.ts';
import { byteOrderMark, hasByteOrderMark } from './byte-order-mark.ts';
import { buildMessageEvent } from './rpc-error.ts';

const LF = 0x0a;
const eventStart = Buffer.from('event: message\ndata: ');
const eventEnd = Buffer.from('\n\n');
const noBytes = Buffer.alloc(0);

/**
 * One JSON answer as one event of a stream, piece by piece (WHATWG HTML, server-sent events). Each line of the text becomes a line of
 * `data`; in JSON, line ends are white space, so that it means the same.
 */
export class AnswerEvent {
  #begun = false;
  #afterCr = false;

  /** What the next piece becomes; the bytes may share its memory. */
  feed(piece: Buffer): Buffer {
    if (piece.length === 0) return noBytes;
    const text = this.#afterCr && piece[0] === LF ? piece.subarray(1) : piece;
    this.#afterCr = piece.at(-1) === 0x0d;
    const lines = toDataLines(text);
    if (this.#begun) return lines;
    this.#begun = true;
    return Buffer.concat([eventStart, lines]);
  }

  /** What ends the event. */
  finish(): Buffer {
    return eventEnd;
  }
}

/** sse-injection: a line end in the text would begin a field of its own, or end the event. */
function toDataLines(text: Buffer): Buffer {
  if (!text.includes('\n') && !text.includes('\r')) return text;
  // As Latin-1, each byte is a character and comes back as it was.
  return Buffer.from(text.toString('latin1').replaceAll(/\r\n?|\n/g, '\ndata: '), 'latin1');
}

/**
 * A whole answer as the event for the request with this raw id; `undefined` when it is no answer of JSON-RPC 2.0 (section 5). An error
 * for no id or another one, as servers send with an error status, gets the id: the client waits for nothing else.
 */
export function buildAnswerEvent(answer: Buffer, id: string): Buffer | undefined {
  const text = withoutByteOrderMark(answer);
  const message = parseJsonObject(text.toString());
  if (message === undefined) return undefined;
  const isAnswer = 'result' in message || 'error' in message;
  if (isAnswer && message['id'] === JSON.parse(id)) {
    const event = new AnswerEvent();
    return Buffer.concat([event.feed(text), event.finish()]);
  }
  if (!isRpcError(message['error'])) return undefined;
  return buildMessageEvent(`{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(message['error'])}}`);
}

/** A mark before JSON is allowed to be ignored (RFC 8259 section 8.1); in the middle of a stream it would be part of the text. */
export function withoutByteOrderMark(text: Buffer): Buffer {
  return hasByteOrderMark(text) ? text.subarray(byteOrderMark.length) : text;
}

function isRpcError(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    typeof value.code === 'number' &&
    'message' in value &&
    typeof value.message === 'string'
  );
}
