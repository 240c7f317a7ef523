import { STATUS_CODES } from 'node:http';
import type { Fields } from './exchange.ts';

/** `HTTP/1.1 200 OK\r\n`. */
function statusLine(status: number): string {
  return status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
}

/** What follows an answer's head: as many bytes, chunks, or nothing, as its status and method rule (RFC 9112 section 6). */
export type AnswerFraming = number | 'chunked' | 'none';

/** A whole head of an answer, its empty line included. Values come from a strict parser or from us, so none can hold CR or LF. */
export function serializeHead(
  status: number,
  fields: Fields,
  rest: { readonly framing: AnswerFraming; readonly keepAlive: boolean },
): string {
  let text = statusLine(status);
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  if (rest.framing === 'chunked') text += 'transfer-encoding: chunked\r\n';
  else if (rest.framing !== 'none') text += `content-length: ${rest.framing}\r\n`;
  return rest.keepAlive ? `${text}\r\n` : `${text}connection: close\r\n\r\n`;
}

interface KeptHead {
  readonly status: number;
  readonly length: number;
  readonly bytes: Buffer;
}

/** Heads of answers whose fields come again and again, by these fields. */
const kept = new WeakMap<Fields, KeptHead>();
const notYet: KeptHead = { status: 0, length: 0, bytes: Buffer.alloc(0) };

/** Makes `recallHead` keep the head of answers with these fields, this very object. */
export function expectAgain(fields: Fields): void {
  kept.set(fields, notYet);
}

/** Whether `expectAgain` was told of these fields. */
export function isExpectedAgain(fields: Fields): boolean {
  return kept.has(fields);
}

/** The head of an answer that keeps its connection, when its fields are expected again; else `undefined`. */
export function recallHead(status: number, fields: Fields, length: number): Buffer | undefined {
  const known = kept.get(fields);
  if (known === undefined || (known.status === status && known.length === length)) return known?.bytes;
  const text = serializeHead(status, fields, { framing: length, keepAlive: true });
  const bytes = Buffer.from(text, 'latin1');
  kept.set(fields, { status, length, bytes });
  return bytes;
}
