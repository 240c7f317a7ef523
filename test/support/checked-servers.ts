import type { HealthConfig } from '../../src/config/health-config.ts';
import type { RouteConfig } from '../../src/config/config.ts';
import type { ServerStatus } from '../../src/gateway/control/server-status.ts';
import { startRig, eventually, type Rig, type RigOptions } from './rig.ts';
import { buildRoute } from './routes.ts';
import { startScriptedUpstream, type Answer, type ScriptedUpstream } from './scripted-upstream.ts';

/** Quick checks. */
export const quickChecks: HealthConfig = {
  check: { kind: 'discover' },
  interval: 300,
  timeout: 250,
  rise: 2,
  fall: 2,
};

export type ServerState = 'up' | 'down' | 'leaving';

/** What a server does just now. */
export type Mood = 'well' | 'hangs' | 'fails' | 'dies';

export interface CheckedServers extends AsyncDisposable {
  readonly rig: Rig;
  readonly moods: Mood[];
  readonly servers: readonly ScriptedUpstream[];
  /** Bodies of everything that a server received and that was no check. */
  calls(server: number): readonly string[];
  checks(server: number): number;
  states(): readonly ServerState[];
  /** Resolves once the servers stand like this. */
  stand(...states: readonly ServerState[]): Promise<void>;
  /** Serves by the route with these changes, and by others. */
  reload(changes: Partial<RouteConfig>, ...others: readonly RouteConfig[]): Promise<void>;
  /** The route with these changes. */
  route(changes?: Partial<RouteConfig>): RouteConfig;
}

const discover = '"server/discover"';

/** A gateway before two servers of the legacy era, each with sessions of its own, whose moods change. */
export async function startCheckedServers(
  changes: Partial<RouteConfig> = { health: quickChecks },
  options: RigOptions = {},
): Promise<CheckedServers> {
  const moods: Mood[] = ['well', 'well'];
  const servers = await Promise.all(moods.map((_, index) => startScriptedUpstream(answerAs(moods, index))));
  const route = (further: Partial<RouteConfig> = {}): RouteConfig => ({
    ...buildRoute(1),
    balance: 'round_robin',
    upstreams: servers.map(({ port }) => ({
      target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp' },
      weight: 1,
      resolvesAll: false,
    })),
    ...changes,
    ...further,
  });
  const rig = await startRig({ ...options, changes: { routes: [route()] } });
  const states = (): readonly ServerState[] => rig.gateway.gateway.servers.map(toState);
  const isCheck = (body: string, head: string): boolean =>
    body.includes(discover) || head.startsWith('GET /ready');
  return {
    rig,
    moods,
    servers,
    route,
    reload: (further, ...others) => rig.gateway.reload([route(further), ...others], {}),
    calls: (server) =>
      (servers[server]?.requests ?? [])
        .filter(({ body, head }) => !isCheck(body, head))
        .map(({ body }) => body),
    checks: (server) =>
      (servers[server]?.requests ?? []).filter(({ body, head }) => isCheck(body, head)).length,
    states,
    stand: (...wanted) => eventually(states, wanted, 5000),
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      for (const server of servers) await server.stop();
    },
  };
}

/** What the status says of a server in one word. */
export function toState({ check, weight }: ServerStatus): ServerState {
  if (check?.state === 'down') return 'down';
  return weight === 0 ? 'leaving' : 'up';
}

function answerAs(moods: readonly Mood[], index: number): Answer {
  return ({ head, body, socket }) => {
    const mood = moods[index] ?? 'well';
    const session = body.includes('"initialize"') ? `Mcp-Session-Id: session-of-${index}\r\n` : '';
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { server: index } });
    const status = mood === 'fails' ? '500 Oops' : '200 OK';
    switch (mood) {
      case 'hangs':
        return;
      case 'dies':
        socket.resetAndDestroy();
        return;
      case 'well':
      case 'fails':
        if (head.startsWith('GET ')) socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
        else
          socket.write(
            `HTTP/1.1 ${status}\r\n${session}Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
          );
    }
  };
}
