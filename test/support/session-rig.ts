import { buildPost } from './raw-client.ts';
import type { ReceivedAnswer } from './answers.ts';
import { startRig, type Rig, type RigOptions } from './rig.ts';
import { startSessionServer, type SessionServer } from './session-server.ts';
import { buildCall } from './messages.ts';

export const initializeParams = {
  protocolVersion: '2025-11-25',
  capabilities: { roots: { listChanged: true } },
  clientInfo: { name: 'test-client', version: '1.0' },
};
export const versionField = 'MCP-Protocol-Version: 2025-11-25\r\n';

/** A gateway before a server with sessions, and what a client of it does. */
export interface SessionRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly server: SessionServer;
  /** Begins a session; resolves with its id. */
  begin(fields?: string, params?: object): Promise<string>;
  call(session: string, id: number | string, fields?: string): Promise<ReceivedAnswer>;
  post(session: string, message: object, fields?: string): Promise<ReceivedAnswer>;
  end(session: string, fields?: string): Promise<ReceivedAnswer>;
}

export async function startSessionRig(options: RigOptions = {}): Promise<SessionRig> {
  const server = await startSessionServer();
  const rig = await startRig({ ...options, upstreamPort: server.port });
  const name = (session: string, fields: string): string =>
    `${versionField}Mcp-Session-Id: ${session}\r\n${fields}`;
  const post: SessionRig['post'] = (session, message, fields = '') =>
    rig.ask(buildPost(JSON.stringify({ jsonrpc: '2.0', ...message }), { fields: name(session, fields) }));
  return {
    rig,
    server,
    post,
    async begin(fields = '', params = initializeParams) {
      const message = { jsonrpc: '2.0', id: 1, method: 'initialize', params };
      const answer = await rig.ask(buildPost(JSON.stringify(message), { fields }));
      const id = answer.field('mcp-session-id');
      if (id === undefined) throw new Error(`no session: ${answer.head}`);
      await post(id, { method: 'notifications/initialized' }, fields);
      return id;
    },
    call: (session, id, fields = '') =>
      rig.ask(buildPost(buildCall({ id }), { fields: name(session, fields) })),
    end: (session, fields = '') =>
      rig.ask(`DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${name(session, fields)}\r\n`),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}
