import type { RouteConfig } from '../../src/config/config.ts';
import type { UpstreamServerConfig } from '../../src/config/upstream-config.ts';
import type { SplitCondition } from '../../src/config/split-config.ts';
import { startRig, type Rig, type RigOptions } from './rig.ts';
import { buildRoute } from './routes.ts';
import {
  answerJson,
  startScriptedUpstream,
  type Answer,
  type ScriptedUpstream,
} from './scripted-upstream.ts';
import { legacyCopy } from './copies.ts';

/** An entry of `split` whose servers are named by their places. */
export interface PlacedSplit {
  readonly when: Partial<SplitCondition>;
  readonly to: readonly (number | { readonly server: number; readonly weight: number })[];
}

export interface SplitRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly servers: readonly ScriptedUpstream[];
  /** The route to the server 0, with these entries. */
  route(...splits: readonly PlacedSplit[]): RouteConfig;
  /** Serves by these entries from now on. */
  reload(...splits: readonly PlacedSplit[]): Promise<void>;
  /** Which server answered, by what it says. */
  ask(request: string): Promise<{ readonly status: number; readonly server: number | undefined }>;
}

export interface SplitOptions extends RigOptions {
  readonly route?: Partial<RouteConfig>;
  /** What the server with this place answers, in the place of what is said above. */
  readonly answerOf?: (place: number) => Answer;
}

/** Modern messages belong to no session. */
function answerWith(place: number): Answer {
  const [legacy, modern] = [
    legacyCopy(place),
    answerJson(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { copy: place } })),
  ];
  return (request) => (/\r\nmcp-protocol-version: 2026/i.test(request.head) ? modern : legacy)(request);
}

/** A gateway before servers that answer with their place, and know their own legacy sessions alone. */
export async function startSplit(
  number: number,
  splits: readonly PlacedSplit[],
  options: SplitOptions = {},
): Promise<SplitRig> {
  const { route: changed = {}, answerOf = answerWith, changes, ...rest } = options;
  const servers = await Promise.all(
    Array.from({ length: number }, (_, place) => startScriptedUpstream(answerOf(place))),
  );
  const toServer = (place: number, weight = 1): UpstreamServerConfig => ({
    target: { kind: 'tcp', secure: false, host: '127.0.0.1', port: servers[place]?.port ?? 0, path: '/mcp' },
    weight,
    resolvesAll: false,
  });
  const route = (...entries: readonly PlacedSplit[]): RouteConfig => ({
    ...buildRoute(1),
    upstreams: [toServer(0)],
    split: entries.map(({ when, to }) => ({
      when: { eras: [], methods: [], tools: [], prompts: [], resources: [], ...when },
      upstreams: to.map((each) =>
        typeof each === 'number' ? toServer(each) : toServer(each.server, each.weight),
      ),
    })),
    ...changed,
  });
  const rig = await startRig({ ...rest, changes: { ...changes, routes: [route(...splits)] } });
  return {
    rig,
    servers,
    route,
    reload: (...entries) => rig.gateway.reload([route(...entries)], changes ?? {}),
    async ask(request) {
      const { status, body } = await rig.ask(request);
      const found = /"copy":(\d+)/.exec(body)?.[1];
      return { status, server: found === undefined ? undefined : Number(found) };
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      for (const server of servers) await server.stop();
    },
  };
}
