import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { once } from 'node:events';
import type { Endpoint } from './endpoint.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly fields: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

const LIMIT_MILLISECONDS = 10_000;

/** One call over HTTP/1.1 on a connection of its own; not for measuring. */
export async function request(
  endpoint: Endpoint,
  { method, fields, body }: HttpRequest,
): Promise<HttpAnswer> {
  const options = {
    host: '127.0.0.1',
    port: endpoint.port,
    path: '/mcp',
    method,
    agent: false,
    signal: AbortSignal.timeout(LIMIT_MILLISECONDS),
    headers: {
      host: `localhost:${endpoint.port}`,
      ...fields,
      'content-length': String(Buffer.byteLength(body)),
    },
  } as const;
  // The certificate was made a moment ago by this program.
  const tls = { servername: 'localhost', rejectUnauthorized: false };
  const sent = endpoint.isPlain ? http.request(options) : https.request({ ...options, ...tls });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [http.IncomingMessage];
  return { status: answer.statusCode ?? 0, fields: answer.headers, body: await toText(answer) };
}

/** The same over HTTP/2. */
export async function requestH2(
  endpoint: Endpoint,
  { method, fields, body }: HttpRequest,
): Promise<HttpAnswer> {
  const session = http2.connect(`https://localhost:${endpoint.port}`, {
    host: '127.0.0.1',
    rejectUnauthorized: false,
  });
  try {
    const stream = session.request(
      { ':method': method, ':path': '/mcp', ...fields },
      { signal: AbortSignal.timeout(LIMIT_MILLISECONDS) },
    );
    stream.end(body);
    const [answer] = (await Promise.race([
      once(stream, 'response'),
      once(session, 'error').then(([error]) => Promise.reject(error as Error)),
    ])) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
    return { status: answer[':status'] ?? 0, fields: answer, body: await toText(stream) };
  } finally {
    session.destroy();
  }
}

async function toText(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
