/** Header fields in order of arrival: name, value, name, value. Names are lower case; values are latin1 without outer white space. */
export type Fields = readonly string[];

/** The first value of a field, or `undefined`. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] === name) return fields[index + 1];
  }
  return undefined;
}

/** How often a field occurs. */
export function countField(fields: Fields, name: string): number {
  let count = 0;
  for (let index = 0; index < fields.length; index += 2) if (fields[index] === name) count++;
  return count;
}

/** The other end of a client connection, after PROXY protocol; not yet after forwarded headers. */
export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  /** The client's certificate, where it showed one and it verified. */
  readonly certificate?: PeerCertificate;
}

/** Who a verified client certificate names. */
export interface PeerCertificate {
  /** One line: `CN=ci, O=Example`. */
  readonly subject: string;
  /** `DNS:…`, `URI:…` and `email:…`. */
  readonly names: readonly string[];
}

/** One request, read whole: its head passed the strict grammar and its body is complete. */
export interface IncomingRequest {
  readonly protocol: 'h1' | 'h2';
  readonly method: string;
  /** Path of the target as sent, without the query. */
  readonly path: string;
  /** Query with its `?`, or an empty string. */
  readonly query: string;
  /** Host or :authority, lower case, as sent otherwise. */
  readonly authority: string;
  readonly fields: Fields;
  /** True when the connection's last request had this very head; `fields` is then the same object as it was. */
  readonly isRepeat: boolean;
  readonly body: Buffer;
  readonly peer: Peer;
}

/**
 * Where the answer to one request goes; HTTP/1.1 and HTTP/2 look the same from here.
 * Either `send` once, or `open`, any number of `write` and `flush`, then `end`.
 */
export interface ResponseSink {
  readonly headSent: boolean;
  /** True once the client is gone or the answer is complete; further calls are ignored. */
  readonly closed: boolean;
  /** Called once when the client goes before the answer is complete. */
  onClose: (() => void) | undefined;
  /** Called when a full buffer has emptied after `write` or `flush` returned false. */
  onDrain: (() => void) | undefined;
  /** A complete answer in one piece. `content-length` is set here; `close` ends the connection afterwards. */
  send(status: number, fields: Fields, body: Buffer | string, close?: boolean): void;
  /** Starts an answer: `length` bytes follow, or an unknown number when `undefined`. */
  open(status: number, fields: Fields, length: number | undefined): void;
  /** Adds bytes of the body. They must stay valid until `flush` or `end` returns. */
  write(bytes: Buffer): void;
  /** Hands everything written so far to the transport; false asks the caller to wait for `onDrain`. */
  flush(): boolean;
  /** Completes the answer. */
  end(): void;
  /** Breaks the answer off so that the client sees it is incomplete. */
  abort(): void;
}

export type RequestHandler = (request: IncomingRequest, sink: ResponseSink) => void;
