import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type Socket } from 'node:net';
import type { TestCertificate } from '../../support/certificates.ts';

export interface SeenRequest {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly serverName: string | false | undefined;
  readonly body: string;
}

export interface DocumentServer {
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  /** Connections, with or without a request. */
  readonly connections: number;
  /** Those that still stand. */
  readonly open: number;
  close(): Promise<void>;
}

export interface DocumentServerOptions {
  readonly certificate: TestCertificate;
  readonly answer: (response: ServerResponse, request: IncomingMessage) => void;
  /** 127.0.0.1 when absent. */
  readonly host?: string;
  readonly port?: number;
}

/** An HTTPS server that answers as it is told. */
export async function startDocumentServer(options: DocumentServerOptions): Promise<DocumentServer> {
  const { certificate, answer, host = '127.0.0.1', port = 0 } = options;
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ key: certificate.key, cert: certificate.cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url, method, headers, socket } = request;
      const serverName = 'servername' in socket ? (socket.servername as string | false) : undefined;
      seen.push({ url, method, headers, serverName, body: Buffer.concat(chunks).toString() });
      answer(response, request);
    });
  });
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(port, host, resolve);
  });
  return {
    port: portOf(server.address()),
    seen,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    close: () => closeServer(server, sockets),
  };
}

export interface Canary {
  readonly port: number;
  readonly hits: number;
  close(): Promise<void>;
}

/** A listener that nobody may ever reach: it counts connections and ends them. */
export async function startCanary(options: {
  readonly host: string;
  readonly port?: number;
}): Promise<Canary> {
  let hits = 0;
  const server = createTcpServer((socket) => {
    hits += 1;
    socket.on('error', () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host, resolve);
  });
  return {
    port: portOf(server.address()),
    get hits() {
      return hits;
    },
    close: () => closeServer(server, new Set()),
  };
}

export function sendJson(
  response: ServerResponse,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

function portOf(address: unknown): number {
  if (typeof address === 'object' && address !== null && 'port' in address) return Number(address.port);
  throw new Error('the server does not listen');
}

function closeServer(
  server: { close(done: () => void): unknown },
  sockets: ReadonlySet<Socket>,
): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
