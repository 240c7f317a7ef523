import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buildDownloadText, callText } from '../call.ts';

/**
 * The upstream of the rows that need more than one fixed answer. POST is a JSON-RPC message, GET an event stream that
 * sends one event and falls silent; POST /emit sends each stream one event that holds the time of its writing, and POST
 * /end ends them all.
 */
const streams = new Set<ServerResponse>();
const download = buildDownloadText();

function toResult(message: { method?: unknown; params?: { name?: unknown } }): unknown {
  switch (message.method) {
    case 'initialize':
      return {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 'bench', version: '1.0.0' },
      };
    case 'tools/list':
      return {
        tools: ['echo', 'download'].map((name) => ({ name, inputSchema: { type: 'object' } })),
      };
    case 'tools/call': {
      const text = message.params?.name === 'download' ? download : callText;
      return { content: [{ type: 'text', text }], isError: false };
    }
    default:
      return {};
  }
}

function answer(body: string, response: ServerResponse): void {
  // What the benchmark's own clients and the proxies under measurement send is JSON-RPC.
  const message = JSON.parse(body) as { id?: unknown; method?: unknown; params?: { name?: unknown } };
  if (message.id === undefined) {
    response.writeHead(202).end();
    return;
  }
  const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: toResult(message) });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function open(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write('data: open\n\n');
  streams.add(response);
  response.on('close', () => streams.delete(response));
}

function emit(response: ServerResponse): void {
  for (const stream of streams) stream.write(`data: ${process.hrtime.bigint()}\n\n`);
  response.end(String(streams.size));
}

function end(response: ServerResponse): void {
  for (const stream of streams) stream.end();
  response.end(String(streams.size));
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === 'GET') {
    open(response);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.url === '/emit') emit(response);
    else if (request.url === '/end') end(response);
    else if (request.method === 'POST') answer(Buffer.concat(chunks).toString(), response);
    else response.writeHead(200).end();
  });
}

createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, handle).listen({
  port: Number(process.argv[2]),
  host: '127.0.0.1',
  backlog: 4096,
});
