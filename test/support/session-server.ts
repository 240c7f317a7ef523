import {
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
  type ScriptedUpstream,
} from './scripted-upstream.ts';

/** How a server says that it does not know a session. */
export interface LostForm {
  readonly status: number;
  readonly body: string;
}

export const pythonForm: LostForm = {
  status: 404,
  body: '{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Session not found"}}',
};

/** An MCP server of the legacy era with sessions in memory, which counts what it does. */
export interface SessionServer extends ScriptedUpstream {
  /** Ids of the sessions that it knows. */
  readonly sessions: Set<string>;
  /** Every call that was executed, by the id of its request. */
  readonly executed: string[];
  /** All messages of each session but calls: method and params. */
  readonly told: { readonly session: string; readonly method: string; readonly params: unknown }[];
  /** Ids of sessions that were ended by DELETE. */
  readonly deleted: string[];
  /** Sessions that were begun so far. */
  begun: number;
  /** Forgets all sessions, as a restart does. */
  lose(): void;
  lostForm: LostForm;
  protocolVersion: string;
  /** Answers as an event stream. */
  streams: boolean;
  /** Looks at each request first; true when it has taken it. */
  intercept: ((request: ReceivedRequest) => boolean) | undefined;
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
}

export async function startSessionServer(prefix = 's', port?: number): Promise<SessionServer> {
  const field = (head: string, name: string): string | undefined =>
    new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(head)?.[1];
  const write = ({ socket }: ReceivedRequest, status: number, body: string, fields = ''): void => {
    const type = body === '' ? '' : 'Content-Type: application/json\r\n';
    socket.write(
      `HTTP/1.1 ${status} X\r\n${fields}${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  };
  const writeAnswer = (request: ReceivedRequest, body: string, fields = ''): void => {
    if (!server.streams) {
      write(request, 200, body, fields);
      return;
    }
    request.socket.write(
      `HTTP/1.1 200 OK\r\n${fields}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    request.socket.write(
      `${toChunk('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/message"}\n\n')}${toChunk(`event: message\ndata: ${body}\n\n`)}0\r\n\r\n`,
    );
  };
  const answer = (request: ReceivedRequest): void => {
    if (server.intercept?.(request) === true) return;
    const { head, body } = request;
    const session = field(head, 'mcp-session-id');
    const message = body === '' ? undefined : (JSON.parse(body) as Message);
    if (message?.method === 'initialize') {
      server.begun++;
      const id = `${prefix}${server.begun}`;
      server.sessions.add(id);
      server.told.push({ session: id, method: 'initialize', params: message.params });
      const result = { protocolVersion: server.protocolVersion, capabilities: {}, serverInfo: {} };
      const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, result });
      writeAnswer(request, text, `Mcp-Session-Id: ${id}\r\n`);
      return;
    }
    if (session === undefined || !server.sessions.has(session)) {
      write(request, server.lostForm.status, server.lostForm.body);
      return;
    }
    const own = `Mcp-Session-Id: ${session}\r\n`;
    if (head.startsWith('DELETE')) {
      server.sessions.delete(session);
      server.deleted.push(session);
      write(request, 200, '', own);
      return;
    }
    if (head.startsWith('GET')) {
      request.socket.write(
        `HTTP/1.1 200 OK\r\n${own}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${toChunk(`id: ${session}-1\ndata: {"jsonrpc":"2.0","method":"notifications/${session}"}\n\n`)}`,
      );
      return;
    }
    if (message?.method === 'tools/call') {
      server.executed.push(String(message.id));
      writeAnswer(request, JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { by: session } }), own);
      return;
    }
    server.told.push({ session, method: message?.method ?? '', params: message?.params });
    if (message?.id === undefined) write(request, 202, '', own);
    else writeAnswer(request, JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }), own);
  };
  const upstream = await startScriptedUpstream(answer, port === undefined ? {} : { port });
  const server: SessionServer = Object.assign(Object.create(upstream) as ScriptedUpstream, {
    sessions: new Set<string>(),
    executed: [],
    told: [],
    deleted: [],
    begun: 0,
    lose: () => server.sessions.clear(),
    lostForm: pythonForm,
    protocolVersion: '2025-11-25',
    streams: false,
    intercept: undefined,
  });
  return server;
}
