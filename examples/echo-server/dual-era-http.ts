import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isLegacyRequest,
  type EventStore,
  type McpServer,
  type ServerNotifier,
} from '@modelcontextprotocol/server';

export interface DualEraOptions {
  /** Builds the server of one modern request or of one legacy session. */
  createServer(notifier: ServerNotifier): McpServer;
  /** Makes legacy streams resumable (`Last-Event-ID`): one store a session. */
  createEventStore?: () => EventStore;
  /** The reconnection delay announced to legacy clients, in milliseconds; needs an event store. */
  retryMs?: number;
}

/** What a Node server hands out: method and target are always there. */
type ServerRequest = IncomingMessage & { readonly method: string; readonly url: string };

export interface DualEraEndpoint {
  /** Serves POST, GET and DELETE on `/mcp` for loopback clients; everything else is 404. */
  readonly listener: RequestListener;
  /** Ends all sessions and all modern exchanges in flight. */
  close(): Promise<void>;
}

/**
 * One MCP endpoint for both eras: revision 2026-07-28 is served without state, and clients that
 * begin with `initialize` (2025-11-25 and older) get a session with a GET stream and DELETE.
 */
export function createDualEraEndpoint(options: DualEraOptions): DualEraEndpoint {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const modern = createMcpHandler(() => options.createServer(modern.notify), { legacy: 'reject' });
  const serveModern = toNodeHandler(modern);
  // A page on another site can point its own name at 127.0.0.1 (DNS rebinding): only loopback names pass.
  const isHostAllowed = localhostHostValidation();
  const isOriginAllowed = localhostOriginValidation();

  async function openSession(): Promise<NodeStreamableHTTPServerTransport> {
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions.set(id, transport);
      },
      onsessionclosed: (id) => {
        sessions.delete(id);
      },
      ...(options.createEventStore === undefined ? {} : { eventStore: options.createEventStore() }),
      ...(options.retryMs === undefined ? {} : { retryInterval: options.retryMs }),
    });
    await options.createServer(modern.notify).connect(transport);
    return transport;
  }

  async function serveLegacy(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
  ): Promise<void> {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') {
      const transport = await openSession();
      await transport.handleRequest(request, response, body);
      return;
    }
    const transport = sessions.get(id);
    if (transport === undefined) {
      answerError(response, { status: 404, code: -32001, message: 'Session not found' });
      return;
    }
    await transport.handleRequest(request, response, body);
  }

  async function serve(request: ServerRequest, response: ServerResponse): Promise<void> {
    if (!isHostAllowed(request, response) || !isOriginAllowed(request, response)) return;
    if (request.url.split('?', 1)[0] !== '/mcp') {
      response.writeHead(404).end();
      return;
    }
    let body: unknown;
    if (request.method === 'POST') {
      try {
        body = JSON.parse(await readText(request));
      } catch {
        answerError(response, { status: 400, code: -32700, message: 'Parse error' });
        return;
      }
    }
    if (await isLegacyRequest(await toWebRequest(request, body), body)) {
      await serveLegacy(request, response, body);
    } else {
      await serveModern(request, response, body);
    }
  }

  return {
    listener: (request, response) => {
      // Node's type also covers answers that a client received, which have no method.
      serve(request as ServerRequest, response).catch((cause: unknown) => {
        console.error(cause);
        response.destroy();
      });
    },
    async close() {
      await Promise.all([modern.close(), ...[...sessions.values()].map((session) => session.close())]);
      sessions.clear();
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function answerError(
  response: ServerResponse,
  error: { readonly status: number; readonly code: number; readonly message: string },
): void {
  const { status, code, message } = error;
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}
