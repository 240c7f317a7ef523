import { once } from 'node:events';
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';

/** One HTTP/2 request under way. */
export interface H2Exchange {
  readonly stream: ClientHttp2Stream;
  /** Resolves with the head of the answer; rejects when the stream closes without one. */
  readonly head: Promise<IncomingHttpHeaders & { readonly ':status'?: number }>;
  /** Latin1; what has arrived so far. */
  readonly body: string;
  /** Resolves once the body satisfies the test; rejects when the stream closes before. */
  until(test: (body: string) => boolean): Promise<string>;
  /** Resolves once the stream is closed: whether the body ended in order, and the code of its reset. */
  closed(): Promise<{ readonly ended: boolean; readonly code: number | undefined }>;
}

export interface H2Client extends Disposable {
  readonly session: ClientHttp2Session;
  request(headers: OutgoingHttpHeaders, body?: string | Buffer): H2Exchange;
  /** A POST of a JSON body to `/mcp`. */
  post(body: string | Buffer, headers?: OutgoingHttpHeaders): H2Exchange;
  get(headers?: OutgoingHttpHeaders): H2Exchange;
}

export async function connectH2(options: { readonly port: number; readonly ca: string }): Promise<H2Client> {
  const session = connect(`https://localhost:${options.port}`, { ca: options.ca, host: '127.0.0.1' });
  // What a test does to the session shows in its streams.
  session.on('error', () => session.destroy());
  await once(session, 'connect');
  const request = (headers: OutgoingHttpHeaders, body?: string | Buffer): H2Exchange => {
    const stream = session.request(headers, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    return watch(stream);
  };
  const common = { ':path': '/mcp', ':authority': 'localhost' };
  return {
    session,
    request,
    post: (body, headers = {}) =>
      request({ ...common, ':method': 'POST', 'content-type': 'application/json', ...headers }, body),
    get: (headers = {}) => request({ ...common, accept: 'text/event-stream', ...headers }),
    [Symbol.dispose]: () => session.destroy(),
  };
}

export function watch(stream: ClientHttp2Stream): H2Exchange {
  const pieces: Buffer[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  let isClosed = false;
  const wake = (): void => {
    for (const check of waiting) check();
  };
  const wait = <T>(read: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const value = read();
        if (value !== undefined) {
          waiting.delete(check);
          resolve(value);
        } else if (isClosed) {
          waiting.delete(check);
          reject(new Error(`closed with code ${stream.rstCode} after ${JSON.stringify(body())}`));
        }
      };
      waiting.add(check);
      check();
    });
  const body = (): string => Buffer.concat(pieces).toString('latin1');
  let received: IncomingHttpHeaders | undefined;
  stream.on('response', (headers) => {
    received = headers;
    wake();
  });
  stream.on('data', (piece: Buffer) => {
    pieces.push(piece);
    wake();
  });
  stream.on('end', () => (ended = true));
  stream.on('error', () => stream.destroy());
  stream.on('close', () => {
    isClosed = true;
    wake();
  });
  const head = wait(() => received);
  // A test that does not ask for the head may let the stream go without one.
  head.catch(() => undefined);
  return {
    stream,
    head,
    get body() {
      return body();
    },
    until: (test) =>
      wait(() => {
        const text = body();
        return test(text) ? text : undefined;
      }),
    closed: () => wait(() => (isClosed ? { ended, code: stream.rstCode } : undefined)),
  };
}
