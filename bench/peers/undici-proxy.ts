import { hash } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { Pool, type Dispatcher } from 'undici';

/** The baseline's program: everything streamed, connections kept, one line a request to a file. */
interface Options {
  readonly port: number;
  readonly upstream: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly accessFile: string;
  readonly token: string | null;
}

// Written by the benchmark itself.
const options = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Options;
const pool = new Pool(options.upstream, { headersTimeout: 0, bodyTimeout: 0 });
const accessLog = createWriteStream(options.accessFile, { flags: 'a' });
const accepted = options.token === null ? undefined : hash('sha256', `Bearer ${options.token}`);
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function withoutHopByHop(fields: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !hopByHop.has(name)));
}

function toUpstreamFields(request: IncomingMessage): IncomingHttpHeaders {
  const fields = withoutHopByHop(request.headers);
  fields['x-forwarded-for'] = request.socket.remoteAddress ?? '';
  fields['x-forwarded-proto'] = 'https';
  return fields;
}

function createRelay(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('client gone'));
      });
      response.on('drain', () => controller.resume());
    },
    onResponseStart(_controller, status, fields) {
      response.writeHead(status, withoutHopByHop(fields));
      response.flushHeaders();
    },
    onResponseData(controller, chunk) {
      if (!response.write(chunk)) controller.pause();
    },
    onResponseEnd() {
      response.end();
    },
    onResponseError() {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    },
  };
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const startedAt = performance.now();
  const who = request.socket.remoteAddress ?? '-';
  response.on('close', () => {
    const took = (performance.now() - startedAt).toFixed(3);
    accessLog.write(
      `${new Date().toISOString()} ${who} ${request.method} ${request.url} ${response.statusCode} ${took}\n`,
    );
  });
  if (accepted !== undefined && hash('sha256', request.headers.authorization ?? '') !== accepted) {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    return;
  }
  pool.dispatch(
    {
      path: request.url ?? '/',
      method: request.method ?? 'GET',
      headers: toUpstreamFields(request),
      body: request.method === 'GET' ? null : request,
    },
    createRelay(response),
  );
}

createServer(
  {
    cert: readFileSync(options.certFile),
    key: readFileSync(options.keyFile),
    keepAliveTimeout: 60_000,
    requestTimeout: 0,
  },
  handle,
).listen({ port: options.port, host: '127.0.0.1', backlog: 4096 });
