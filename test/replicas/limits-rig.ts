import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';
import { askStatus } from './status.ts';

/** Calls of each tool, and streams of each address, that are let in under `/limited`; all calls under `/even`. */
export const allowance = { calls: 4, streams: 2, evenCalls: 100 };

/** So long others may count without what was counted here. */
const newsMilliseconds = 150;

/** Two replicas before one MCP server; `/mcp` has no limits. */
export interface LimitScene extends AsyncDisposable {
  readonly replicas: readonly [GatewayProcess, GatewayProcess];
  /** Statuses of so many calls of a tool, one after the other, at the replica. */
  call(replica: GatewayProcess, tool: string, times: number): Promise<readonly number[]>;
  /** Makes so many calls of `/even`, one each so many milliseconds; how many were let in. */
  callEvenly(replica: GatewayProcess, times: number, milliseconds: number): Promise<number>;
  /** Opens a stream; its status, and how to end it. */
  stream(replica: GatewayProcess): Promise<{ readonly status: number; readonly client: RawClient }>;
  /** Whether a tool that is used up at the first is so at the second. */
  isHonoured(): Promise<boolean>;
  /** Milliseconds until that holds; `limit` when it does not. */
  untilHonoured(limit: number): Promise<number>;
}

export interface LimitSceneOptions {
  /** What both share: URLs of Redis, which may be different ones, and sections of the configuration. */
  readonly redis: readonly [object, object] | undefined;
  readonly config?: object;
}

export async function startLimitScene({ redis, config = {} }: LimitSceneOptions): Promise<LimitScene> {
  const upstream: ScriptedUpstream = await startScriptedUpstream((request) => {
    if (request.head.startsWith('GET ')) request.socket.write(eventStreamHead);
    else answerJson('{"jsonrpc":"2.0","id":1,"result":{}}')(request);
  });
  const url = `http://127.0.0.1:${upstream.port}/mcp`;
  const start = (state: object | undefined): Promise<GatewayProcess> =>
    startGatewayProcess({
      upstreamPort: upstream.port,
      config: {
        routes: ['/mcp', '/limited', '/even'].map((path) => ({ path, upstream: url })),
        ...(state === undefined ? {} : { state: { redis: state } }),
        ...config,
      },
      limits: {
        rates: [
          { per: 'tool', requests: allowance.calls, within: '1h', routes: ['/limited'] },
          { per: 'route', requests: allowance.evenCalls, within: '1h', routes: ['/even'] },
        ],
        concurrency: [{ per: 'address', streams: allowance.streams, routes: ['/limited'] }],
      },
    });
  const replicas = [await start(redis?.[0]), await start(redis?.[1])] as const;
  const [first, second] = replicas;
  const connect = ({ port, ca }: GatewayProcess): Promise<RawClient> => connectRaw({ port, ca });
  let tools = 0;
  const call: LimitScene['call'] = async (replica, tool, times) => {
    const client = await connect(replica);
    const found: number[] = [];
    for (let made = 0; made < times; made++) {
      client.send(buildPost(buildCall().replace('"echo"', JSON.stringify(tool)), { path: '/limited' }));
      found.push((await receive(client, made + 1)).status);
    }
    client.socket.destroy();
    return found;
  };
  const isHonoured = async (): Promise<boolean> => {
    const tool = `tool-${tools++}`;
    expect(await call(first, tool, allowance.calls)).toEqual([200, 200, 200, 200]);
    await sleep(newsMilliseconds);
    const [status] = await call(second, tool, 1);
    return status === 429;
  };
  return {
    replicas,
    call,
    async callEvenly(replica, times, milliseconds) {
      const client = await connect(replica);
      for (let made = 0; made < times; made++) {
        client.send(buildPost(buildCall(), { path: '/even' }));
        await sleep(milliseconds);
      }
      const text = await client.until((received) => received.split('HTTP/1.1 ').length > times);
      client.socket.destroy();
      return text.split('HTTP/1.1 200').length - 1;
    },
    async stream(replica) {
      const client = await connect(replica);
      client.send(buildGet({ path: '/limited' }));
      const text = await client.until((received) => received.includes('\r\n\r\n'));
      return { status: Number(text.slice(9, 12)), client };
    },
    isHonoured,
    untilHonoured: (limit) => until(isHonoured, limit),
    async [Symbol.asyncDispose]() {
      for (const replica of replicas) await replica.clean();
      await upstream.stop();
    },
  };
}

/** Resolves once both say so of their limits; fails after ten seconds. */
export async function waitForReach(
  replicas: readonly GatewayProcess[],
  wanted: 'own' | 'shared' | 'alone',
): Promise<void> {
  const reaches = async (): Promise<readonly string[]> =>
    Promise.all(replicas.map(async (replica) => (await askStatus(replica)).limits));
  await until(async () => (await reaches()).every((reach) => reach === wanted), 10_000);
  expect(await reaches()).toEqual(replicas.map(() => wanted));
}
