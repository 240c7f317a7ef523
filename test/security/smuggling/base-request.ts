/** What the connection that carries a request has to come to, in the words of whoever wrote the request. */
export type Fate =
  /** Answered with an error, and the connection closed: where the next request begins cannot be known. */
  | 'refused'
  /** Read as one or more whole requests. */
  | 'taken'
  /** Needs more bytes than it brings. */
  | 'waits';

/** Texts by which a request is known again at the upstream; all have the same length. */
export interface Marks {
  readonly own: string;
  /** Of the request that is hidden inside. */
  readonly hidden: string;
}

/** One request of the corpus before any mutation. */
export interface BaseRequest {
  /** The class of attack, such as `CL.TE`. */
  readonly family: string;
  readonly name: string;
  readonly fate: Fate;
  /** The bytes as latin1. */
  readonly build: (marks: Marks) => string;
}

export type Build = BaseRequest['build'];

function buildPing(id: string): string {
  return `{"jsonrpc":"2.0","id":"${id}","method":"ping"}`;
}

/** A harmless whole request. */
export function buildGood(mark: string): string {
  const body = buildPing(mark);
  return (
    `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `X-Mark: ${mark}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
}

/** The request an attacker wants to get past the gateway unseen. */
export function buildHidden({ hidden }: Marks): string {
  return buildGood(hidden);
}

export function toChunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

export const lastChunk = '0\r\n\r\n';

/** Field lines as they are sent, each with its line end, then the body. */
export type Part = string | ((marks: Marks) => string);

/** A POST whose framing is left to the field lines given. */
export function post(fields: Part, body: Part = ''): Build {
  return (marks) =>
    `POST /mcp?m=${marks.own} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `X-Mark: ${marks.own}\r\n${toText(fields, marks)}\r\n${toText(body, marks)}`;
}

/** A GET with the field lines given. */
export function get(fields: Part, after: Part = ''): Build {
  return (marks) =>
    `GET /mcp?m=${marks.own} HTTP/1.1\r\nHost: localhost\r\nX-Mark: ${marks.own}\r\n` +
    `${toText(fields, marks)}\r\n${toText(after, marks)}`;
}

/** A request whose first line and Host are given; `OWN` in them stands for the mark. */
export function start(line: string, host = 'Host: localhost\r\n'): Build {
  return (marks) => `${line}\r\n${host}X-Mark: OWN\r\n\r\n`.replaceAll('OWN', marks.own);
}

/** The marked JSON message that a request would carry if all were well. */
export function message(marks: Marks): string {
  return buildPing(marks.own);
}

/** The message in chunked coding. */
export function chunked(marks: Marks): string {
  return toChunk(message(marks)) + lastChunk;
}

/** Content-Length of the message. */
export function rightLength(marks: Marks): string {
  return `Content-Length: ${message(marks).length}\r\n`;
}

function toText(part: Part, marks: Marks): string {
  return typeof part === 'string' ? part : part(marks);
}

/** A family's requests from its table of `[name, fate, build]`. */
export function toFamily(
  family: string,
  rows: readonly (readonly [name: string, fate: Fate, build: Build])[],
): readonly BaseRequest[] {
  return rows.map(([name, fate, build]) => ({ family, name, fate, build }));
}

/** A byte or a short text as it can be read in a report. */
export function show(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
