import type { RouteConfig } from '../../src/config/config.ts';
import type { Access } from '../../src/gateway/access/open-access.ts';
import type { ManualClock } from './manual-clock.ts';
import { buildPost } from './raw-client.ts';
import { startRig, type Rig } from './rig.ts';
import { buildRoute } from './routes.ts';
import { startScriptedUpstream, type Answer, type ScriptedUpstream } from './scripted-upstream.ts';

/** A gateway before several copies of a scripted upstream. */
export interface Copies extends AsyncDisposable {
  readonly rig: Rig;
  readonly copies: readonly ScriptedUpstream[];
  /** Requests that each copy has received. */
  counts(): number[];
  /** Serves by the route with these changes from now on. */
  reload(changes: CopiesChanges): Promise<void>;
  /** The route, with these changes to each server and to itself. */
  route(changes?: CopiesChanges): RouteConfig;
}

export interface CopiesChanges {
  /** One for each copy, in their order; all 1 when absent. `undefined` leaves the copy out. */
  readonly weights?: readonly (number | undefined)[];
  /** Paths of the copies; `/mcp` when absent. */
  readonly paths?: readonly string[];
  readonly route?: Partial<RouteConfig>;
}

export interface CopiesOptions extends CopiesChanges {
  readonly number?: number;
  /** What the copy with this place answers. */
  readonly answer: (copy: number) => Answer;
  readonly clock?: ManualClock;
  readonly changeAccess?: (access: Access) => Access;
}

export async function startCopies(options: CopiesOptions): Promise<Copies> {
  const { number = 2, answer, clock, changeAccess } = options;
  const copies = await Promise.all(
    Array.from({ length: number }, (_, copy) => startScriptedUpstream(answer(copy))),
  );
  const route = ({ weights, paths, route: changed }: CopiesChanges = {}): RouteConfig => ({
    ...buildRoute(1),
    upstreams: copies.flatMap(({ port }, copy) => {
      const weight = weights === undefined ? 1 : weights[copy];
      const path = paths?.[copy] ?? '/mcp';
      return weight === undefined
        ? []
        : [
            {
              target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path },
              weight,
              resolvesAll: false,
            },
          ];
    }),
    ...changed,
  });
  const rig = await startRig({
    ...(clock === undefined ? {} : { clock }),
    ...(changeAccess === undefined ? {} : { changeAccess }),
    changes: { routes: [route(options)] },
  });
  return {
    rig,
    copies,
    reload: (changes) => rig.gateway.reload([route(changes)], {}),
    counts: () => copies.map(({ requests }) => requests.length),
    route,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      for (const copy of copies) await copy.stop();
    },
  };
}

/** A server of the legacy era that knows its own sessions alone: 404 for others. It names its session in the answer to `initialize`. */
export function legacyCopy(copy: number): Answer {
  const own = `session-of-${copy}`;
  return ({ head, body, socket }) => {
    const asked = /\r\nmcp-session-id: ([^\r]+)/i.exec(head)?.[1];
    const isNew = body.includes('"initialize"');
    const isKnown = isNew || asked === own;
    const text = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { copy } });
    socket.write(
      `HTTP/1.1 ${isKnown ? '200 OK' : '404 Not Found'}\r\n${isNew ? `Mcp-Session-Id: ${own}\r\n` : ''}Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
  };
}

export const initialize: string = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });

/** Begins a session, and resolves with its name for clients. */
export async function beginSession(rig: Pick<Rig, 'ask'>): Promise<string> {
  return (await rig.ask(buildPost(initialize))).field('mcp-session-id') ?? '';
}

/** An answer with a status and nothing else that matters. */
export function answerStatus(status: string, fields = ''): Answer {
  return ({ socket }) =>
    socket.write(
      `HTTP/1.1 ${status}\r\n${fields}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
}
