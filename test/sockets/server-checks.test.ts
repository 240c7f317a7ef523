import { describe, expect, it } from 'vitest';
import type { HealthConfig } from '../../src/config/health-config.ts';
import {
  quickChecks,
  startCheckedServers,
  type CheckedServers,
  type Mood,
} from '../support/checked-servers.ts';
import { buildCall, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import { answerJson, startScriptedUpstream } from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';

const modern = buildModern('tools/call', { name: 'echo' });
const call = buildPost(modern.body, { fields: modern.fields });
const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
const http: HealthConfig = { ...quickChecks, check: { kind: 'http', path: '/ready' } };
const tcp: HealthConfig = { ...quickChecks, check: { kind: 'tcp' } };

/** Which server answered each of so many calls, one after the other. */
async function ask({ rig }: CheckedServers, times: number): Promise<number[]> {
  const answered: number[] = [];
  for (let count = 0; count < times; count++) {
    const { body } = await rig.ask(call);
    answered.push(Number(/"server":(\d)/.exec(body)?.[1]));
  }
  return answered;
}

/** Resolves once a server was checked three times more. */
async function passChecks(set: CheckedServers, server: number): Promise<void> {
  const end = set.checks(server) + 3;
  await until(() => set.checks(server) >= end);
  expect(set.checks(server)).toBeGreaterThanOrEqual(end);
}

function warnings({ rig }: CheckedServers): string[] {
  return rig.gateway.problems.filter((line) => line.includes('MCP server'));
}

describe('a server that fails its checks', () => {
  it.each<[string, HealthConfig, Mood, string]>([
    ['hangs', quickChecks, 'hangs', 'gives no answer within 250ms'],
    ['hangs', http, 'hangs', 'gives no answer within 250ms'],
    ['answers 500', quickChecks, 'fails', 'answers `server/discover` with 500'],
    ['answers 500', http, 'fails', 'answers `GET /ready` with 500'],
    ['dies', quickChecks, 'dies', 'resets the connection'],
  ])('because it %s (%j) gets no new work, and comes back slowly', async (_what, health, mood, reason) => {
    await using set = await startCheckedServers({ health });
    expect(await ask(set, 4)).toEqual([0, 1, 0, 1]);
    set.moods[0] = mood;
    await set.stand('down', 'up');
    const before = set.calls(0).length;
    expect(await ask(set, 12)).toEqual(Array.from({ length: 12 }, () => 1));
    expect(set.calls(0)).toHaveLength(before);
    expect(set.rig.gateway.gateway.servers[0]).toMatchObject({ check: { state: 'down', reason } });
    const [line, ...further] = warnings(set);
    expect(line).toContain(reason);
    expect(line).toContain(`127.0.0.1:${set.servers[0]?.port}`);
    expect(further).toEqual([]);
    set.moods[0] = 'well';
    await set.stand('up', 'up');
    const later = await ask(set, 22);
    // A tenth of its weight at first.
    const few = later.filter((server) => server === 0).length;
    expect(few).toBeGreaterThanOrEqual(1);
    expect(few).toBeLessThanOrEqual(3);
  });

  it('control: without checks, calls go to the one that hangs, and wait', async () => {
    await using set = await startCheckedServers({ health: undefined });
    set.moods[0] = 'hangs';
    const clients = await Promise.all(Array.from({ length: 6 }, () => set.rig.connect()));
    for (const client of clients) client.send(call);
    await until(() => set.calls(0).length + set.calls(1).length === 6);
    expect(set.calls(0)).toHaveLength(3);
    expect(set.checks(0)).toBe(0);
    expect(set.states()).toEqual(['up', 'up']);
  });

  it('and has stopped to listen is found by a connection alone', async () => {
    await using set = await startCheckedServers({ health: tcp });
    await set.stand('up', 'up');
    await set.servers[1]?.stop();
    await set.stand('up', 'down');
    expect(await ask(set, 4)).toEqual([0, 0, 0, 0]);
    expect(set.rig.gateway.gateway.servers[1]).toMatchObject({ check: { reason: 'refuses connections' } });
    const again = await startScriptedUpstream(answerJson('{"server":1}'), {
      port: set.servers[1]?.port ?? 0,
    });
    await set.stand('up', 'up');
    expect(await ask(set, 11)).toContain(1);
    await again.stop();
  });

  it('still gets the calls of the sessions that it has', async () => {
    await using set = await startCheckedServers();
    const sessions: string[] = [];
    for (let count = 0; count < 2; count++)
      sessions.push((await set.rig.ask(buildPost(initialize))).field('mcp-session-id') ?? '');
    expect(set.calls(0)).toHaveLength(1);
    set.moods[0] = 'hangs';
    await set.stand('down', 'up');
    const client = await set.rig.connect();
    client.send(buildPost(buildCall(), { fields: `Mcp-Session-Id: ${sessions[0]}\r\n` }));
    await until(() => set.calls(0).length === 2);
    expect(set.calls(0)[1]).toContain('tools/call');
  });

  it('is asked in any case when all fail', async () => {
    await using set = await startCheckedServers({ health: http });
    set.moods.fill('fails');
    await set.stand('down', 'down');
    const statuses = [(await set.rig.ask(call)).status, (await set.rig.ask(call)).status];
    expect(statuses).toEqual([500, 500]);
    expect(set.calls(0).length + set.calls(1).length).toBe(2);
  });

  it('goes on with the calls that it has', async () => {
    await using set = await startCheckedServers({ health: http });
    const client = await set.rig.connect();
    set.moods[0] = 'hangs';
    client.send(call);
    await until(() => set.calls(0).length === 1);
    await set.stand('down', 'up');
    const request = set.servers[0]?.requests.find(({ head }) => head.startsWith('POST'));
    request?.socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
    expect((await receive(client)).status).toBe(200);
  });
});

describe('checks', () => {
  it.each([quickChecks, http, tcp])(
    'leave no session behind: `initialize` is never sent (%j)',
    async (health) => {
      await using set = await startCheckedServers({ health });
      await until(() => (set.servers[0]?.connections ?? 0) > 5 && (set.servers[1]?.connections ?? 0) > 5);
      set.moods[0] = 'hangs';
      await until(() => (set.servers[0]?.connections ?? 0) > 10);
      for (const server of set.servers) expect(server.bytes).not.toContain('initialize');
      set.moods[0] = 'well';
      // Control: a client's own arrives.
      await set.rig.ask(buildPost(initialize));
      expect(set.servers.some(({ bytes }) => bytes.includes('initialize'))).toBe(true);
    },
  );

  it('know on after a reload what they knew, and end with the route', async () => {
    await using set = await startCheckedServers();
    set.moods[0] = 'hangs';
    await set.stand('down', 'up');
    const [down] = set.rig.gateway.gateway.servers;
    await set.reload({ balance: 'least_requests' });
    expect(set.states()).toEqual(['down', 'up']);
    expect(set.rig.gateway.gateway.servers[0]?.check).toEqual(down?.check);
    expect(await ask(set, 4)).toEqual([1, 1, 1, 1]);
    expect(warnings(set)).toHaveLength(1);
    const [one] = set.route().upstreams;
    const other = { ...set.route(), path: '/other', upstreams: set.route().upstreams.slice(1) };
    await set.reload({ health: undefined, upstreams: one === undefined ? [] : [one] }, other);
    await passChecks(set, 1);
    const before = set.checks(0);
    await passChecks(set, 1);
    expect(set.checks(0)).toBe(before);
    expect(set.rig.gateway.gateway.servers).toMatchObject([
      { route: '/mcp', check: null },
      { route: '/other', check: { state: 'up' } },
    ]);
  });

  it('of a configuration that is refused end with it', async () => {
    await using set = await startCheckedServers();
    const other = await startScriptedUpstream(answerJson('{}'));
    const route = set.route();
    const target = { kind: 'tcp', secure: false, host: '127.0.0.1', port: other.port, path: '/mcp' } as const;
    const next = { ...route, upstreams: [{ target, weight: 1, resolvesAll: false }] };
    // The upstream has the port.
    const listen = { host: '127.0.0.1', port: set.servers[0]?.port ?? 0 };
    await expect(set.rig.gateway.reload([next], { listen })).rejects.toThrow('EADDRINUSE');
    const before = other.connections;
    await passChecks(set, 0);
    expect(other.connections).toBe(before);
    expect(set.states()).toEqual(['up', 'up']);
    await set.reload({}, { ...next, path: '/other' });
    await until(() => other.connections > before);
    expect(other.connections).toBeGreaterThan(before);
    await other.stop();
  });

  it('end with the gateway', async () => {
    const set = await startCheckedServers();
    await using other = await startCheckedServers();
    await passChecks(set, 0);
    await set.rig[Symbol.asyncDispose]();
    const before = set.servers.map(({ connections }) => connections);
    await passChecks(other, 0);
    expect(set.servers.map(({ connections }) => connections)).toEqual(before);
    for (const server of set.servers) await server.stop();
  });

  it('of one server alone take nothing from it, but tell', async () => {
    await using set = await startCheckedServers();
    await set.reload({ upstreams: set.route().upstreams.slice(0, 1) });
    set.moods[0] = 'fails';
    await set.stand('down');
    expect((await set.rig.ask(call)).status).toBe(500);
    expect(set.rig.gateway.gateway.servers[0]?.check?.reason).toContain('500');
  });
});
