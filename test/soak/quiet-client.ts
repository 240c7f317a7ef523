import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { Agent, request } from 'node:https';
import { connect as connectTls } from 'node:tls';
import type { Readable } from 'node:stream';
import { StreamLedger } from './stream-ledger.ts';

export type Era = 'legacy' | 'modern';

export interface QuietClientOptions {
  /** Port of the relay in front of the gateway. */
  readonly port: number;
  readonly ca: string;
  readonly label: string;
  readonly era: Era;
  /** The HTTP/2 session to use; HTTP/1.1 on a connection of its own when absent. */
  readonly session?: ClientHttp2Session | undefined;
  readonly now: () => number;
}

/** A client that opened one event stream and only listens. */
export interface QuietClient {
  readonly label: string;
  readonly ledger: StreamLedger;
  /** Why the stream has ended, and when. */
  readonly dropped: { readonly reason: string; readonly at: number } | undefined;
  /** Resolves once the stream has ended, whoever ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

/** Opens a session whose streams share one connection through the relay. */
export async function openSession(options: {
  readonly port: number;
  readonly ca: string;
}): Promise<ClientHttp2Session> {
  const { port, ca } = options;
  const session = connectHttp2('https://localhost', {
    createConnection: () =>
      connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['h2'] }),
  });
  session.on('error', () => session.destroy());
  await once(session, 'connect');
  return session;
}

/** Opens a stream and resolves once its answer has begun; rejects when that is not a stream. */
export async function openQuietClient(options: QuietClientOptions): Promise<QuietClient> {
  const { label, now } = options;
  const { status, body, close } = await (options.session === undefined
    ? openOverHttp1(options)
    : openOverHttp2(options, options.session));
  if (status !== 200) throw new Error(`stream ${label} was answered with ${status}`);
  const ledger = new StreamLedger(now());
  let dropped: QuietClient['dropped'];
  const ended = Promise.withResolvers<void>();
  const drop = (reason: string): void => {
    dropped ??= { reason, at: now() };
    ended.resolve();
  };
  body.setEncoding('utf8');
  body.on('data', (text: string) => ledger.receive(text, now()));
  body.on('end', () => drop('ended'));
  body.on('error', (error) => drop(error.message));
  body.on('close', () => drop('closed'));
  return {
    label,
    ledger,
    get dropped() {
      return dropped;
    },
    ended: ended.promise,
    close,
  };
}

interface OpenAnswer {
  readonly status: number;
  readonly body: Readable;
  readonly close: () => void;
}

async function openOverHttp1(options: QuietClientOptions): Promise<OpenAnswer> {
  const { method, headers, body } = buildRequest(options);
  const outgoing = request({
    agent: new Agent(),
    host: '127.0.0.1',
    port: options.port,
    ca: options.ca,
    servername: 'localhost',
    path: '/mcp',
    method,
    headers: { host: 'localhost', ...headers },
  });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  outgoing.on('error', (error) => response.destroy(error));
  return { status: response.statusCode, body: response, close: () => void outgoing.destroy() };
}

async function openOverHttp2(options: QuietClientOptions, session: ClientHttp2Session): Promise<OpenAnswer> {
  const { method, headers, body } = buildRequest(options);
  const stream = session.request({ ':method': method, ':path': '/mcp', ...headers }, { endStream: false });
  stream.end(body);
  const [answer] = await once(stream, 'response');
  return { status: answer[':status'], body: stream, close: () => stream.close() };
}

function buildRequest({ label, era }: QuietClientOptions): {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
} {
  if (era === 'legacy') {
    const headers = {
      accept: 'text/event-stream',
      'mcp-session-id': label,
      'mcp-protocol-version': '2025-11-25',
    };
    return { method: 'GET', headers, body: '' };
  }
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: label,
    method: 'subscriptions/listen',
    params: {
      notifications: { toolsListChanged: true },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  });
  const headers = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'subscriptions/listen',
  };
  return { method: 'POST', headers, body };
}
