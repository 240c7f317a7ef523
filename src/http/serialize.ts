import { STATUS_CODES } from 'node:http';
import type { Fields } from './exchange.ts';

/** `HTTP/1.1 200 OK\r\n`. */
export function statusLine(status: number): string {
  return status === 200 ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
}

/** Field lines, each with its CRLF. Values come from a strict parser or from us, so none can hold CR or LF. */
export function serializeFields(fields: Fields): string {
  let text = '';
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return text;
}
