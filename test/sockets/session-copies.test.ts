import { afterEach, describe, expect, it } from 'vitest';
import type { RouteConfig } from '../../src/config/config.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import type { ReceivedAnswer } from '../support/answers.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { startSessionServer, type SessionServer } from '../support/session-server.ts';
import { initializeParams, versionField } from '../support/session-rig.ts';

const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initializeParams });

interface Copies {
  readonly rig: Rig;
  readonly servers: readonly SessionServer[];
  readonly route: (servers?: readonly SessionServer[]) => RouteConfig;
  readonly begin: () => Promise<string>;
  readonly call: (session: string, id: number | string) => Promise<ReceivedAnswer>;
}

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function startCopies(revival = true): Promise<Copies> {
  const servers = await Promise.all(['a', 'b', 'c'].map((prefix) => startSessionServer(prefix)));
  const route = (used: readonly SessionServer[] = servers): RouteConfig => ({
    ...buildRoute(1),
    balance: 'round_robin',
    upstreams: used.map(({ port }) => ({
      target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp' },
      weight: 1,
      resolvesAll: false,
    })),
  });
  const sessions = { revival, idleTimeout: 1_800_000, live: 10_000, noted: 100_000 };
  const rig = await startRig({ changes: { routes: [route()], sessions } });
  open.push(
    () => Promise.all(servers.map((server) => server.stop())),
    async () => rig[Symbol.asyncDispose](),
  );
  return {
    rig,
    servers,
    route,
    async begin() {
      return (await rig.ask(buildPost(initialize))).field('mcp-session-id') ?? '';
    },
    call: (session, id) =>
      rig.ask(buildPost(buildCall({ id }), { fields: `${versionField}Mcp-Session-Id: ${session}\r\n` })),
  };
}

function executedBy(servers: readonly SessionServer[]): string[] {
  return servers.flatMap(({ executed }) => executed);
}

describe('when one of three copies is killed', () => {
  it('its sessions begin again on the others, and no call is executed twice', async () => {
    const { servers, begin, call } = await startCopies();
    const ids: string[] = [];
    for (let index = 0; index < 12; index++) ids.push(await begin());
    const wanted: string[] = [];
    const callAll = async (round: string): Promise<void> => {
      const answers = await Promise.all(
        ids.map((id, index) => {
          wanted.push(`${round}-${index}`);
          return call(id, `${round}-${index}`);
        }),
      );
      expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
      expect(answers.map((answer) => answer.field('mcp-session-id'))).toEqual(ids);
    };
    await callAll('before');
    expect(servers.map(({ executed }) => executed.length)).toEqual([4, 4, 4]);
    await servers[1]?.stop();
    await callAll('after');
    await callAll('later');
    expect(executedBy(servers).toSorted()).toEqual(wanted.toSorted());
    expect(servers[1]?.executed).toHaveLength(4);
    expect(servers[0]?.sessions.size).toBeGreaterThan(4);
  });

  it('control: opted out, the calls of its sessions fail', async () => {
    const { servers, begin, call } = await startCopies(false);
    const ids = [await begin(), await begin(), await begin()];
    await servers[1]?.stop();
    const answers = await Promise.all(ids.map((id, index) => call(id, index)));
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200, 200, 502,
    ]);
  });
});

describe('when a copy is taken out of the configuration', () => {
  it('its sessions begin again on the others', async () => {
    const { rig, servers, route, begin, call } = await startCopies();
    const ids = [await begin(), await begin(), await begin()];
    await rig.gateway.reload([route(servers.slice(1))], {});
    const answers = await Promise.all(ids.map((id, index) => call(id, index)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(servers[0]?.executed).toEqual([]);
    expect(executedBy(servers).toSorted()).toEqual(['0', '1', '2']);
  });
});

describe('when no copy is left', () => {
  it('the client gets the error that says so, and goes on once one is back', async () => {
    const { servers, begin, call } = await startCopies();
    const id = await begin();
    const ports = servers.map(({ port }) => port);
    for (const server of servers) await server.stop();
    const answer = await call(id, 1);
    expect(answer.status).toBe(502);
    expect(answer.body).toContain('E_UPSTREAM_UNREACHABLE');
    const back = await startSessionServer('d', ports[2]);
    open.push(() => back.stop());
    expect((await call(id, 2)).body).toContain('"by":"d1"');
    expect(back.executed).toEqual(['2']);
  });
});
