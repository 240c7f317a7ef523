import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { streamed } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { initializeParams, startSessionRig, versionField, type SessionRig } from '../support/session-rig.ts';
import { buildTwoCallers } from '../support/two-callers.ts';
import { until } from '../support/until.ts';

const minute = 60_000;
const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initializeParams });
const { auth, alice } = buildTwoCallers();

function keep(values: Partial<Record<'idleTimeout' | 'live', number>>) {
  return { sessions: { revival: true, idleTimeout: 30 * minute, live: 10_000, noted: 100_000, ...values } };
}

/** Lets time pass in steps that a sweep sees. */
async function pass(clock: ManualClock, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 10_000) {
    clock.advance(10_000);
    await setImmediate();
  }
}

/** The sessions that were ended, once there are so many. */
async function deletedOf({ server }: SessionRig, count: number): Promise<readonly string[]> {
  await until(() => server.deleted.length >= count, 3000);
  return server.deleted;
}

describe('a session that nobody uses', () => {
  it('is ended at its server after the idle time, and begins again for a client that comes back', async () => {
    const clock = new ManualClock();
    await using orphans = await startSessionRig({ clock });
    const id = await orphans.begin();
    await orphans.call(id, 1);
    await pass(clock, 29 * minute);
    expect(orphans.server.deleted).toEqual([]);
    while (orphans.rig.gateway.gateway.sessions.live > 0) clock.advance(10_000);
    expect(await deletedOf(orphans, 1)).toEqual(['s1']);
    await until(() => orphans.rig.gateway.gateway.sessions.ended > 0);
    expect(orphans.rig.gateway.gateway.sessions).toEqual({ live: 0, revived: 0, ended: 1 });
    expect((await orphans.call(id, 2)).body).toContain('"by":"s2"');
    expect(orphans.server.executed).toEqual(['1', '2']);
  });

  it('is ended with the credentials of its client where the server asks for them', async () => {
    const clock = new ManualClock();
    await using orphans = await startSessionRig({ clock });
    const fields = 'Authorization: Bearer for-the-server\r\n';
    const id = await orphans.begin(fields);
    await orphans.call(id, 1, fields);
    await pass(clock, 31 * minute);
    expect(await deletedOf(orphans, 1)).toEqual(['s1']);
    const { head } = orphans.server.requests.at(-1) ?? { head: '' };
    expect(head).toMatch(/^DELETE \/mcp HTTP\/1\.1\r\n/);
    expect(head.toLowerCase()).toContain('authorization: bearer for-the-server\r\n');
    expect(head.toLowerCase()).toContain('mcp-protocol-version: 2025-11-25');
  });

  it('is ended with those of the gateway where callers have keys, and theirs stay here', async () => {
    const clock = new ManualClock();
    const valueSource = { kind: 'environment', name: 'KEY' } as const;
    const credentials = { kind: 'header', name: 'x-gateway', value: 'secret', valueSource } as const;
    await using orphans = await startSessionRig({ clock, auth, credentials });
    const id = await orphans.begin(alice);
    await orphans.call(id, 1, alice);
    await pass(clock, 31 * minute);
    expect(await deletedOf(orphans, 1)).toEqual(['s1']);
    const { head } = orphans.server.requests.at(-1) ?? { head: '' };
    expect(head.toLowerCase()).toContain('x-gateway: secret');
    expect(head.toLowerCase()).not.toContain('authorization');
  });

  it('is in use as long as its stream is open', async () => {
    const clock = new ManualClock();
    await using orphans = await startSessionRig({ clock });
    const id = await orphans.begin();
    const client = await orphans.rig.connect();
    client.send(buildGet({ fields: `${versionField}Mcp-Session-Id: ${id}\r\n` }));
    await streamed(client, (text) => text.includes('\n\n'));
    await pass(clock, 61 * minute);
    expect(orphans.server.deleted).toEqual([]);
    client.socket.destroy();
    await until(() => orphans.rig.gateway.gateway.load.exchanges === 0);
    await pass(clock, 31 * minute);
    expect(await deletedOf(orphans, 1)).toEqual(['s1']);
  });

  it('is ended within two minutes when nothing came after its initialize', async () => {
    const clock = new ManualClock();
    await using orphans = await startSessionRig({ clock });
    await orphans.rig.ask(buildPost(initialize));
    await pass(clock, 2 * minute);
    expect(await deletedOf(orphans, 1)).toEqual(['s1']);
  });

  it('is ended when its client went before it learned of the session', async () => {
    await using orphans = await startSessionRig();
    const { server, rig } = orphans;
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<() => void>();
    server.intercept = (request) => {
      if (!request.body.includes('initialize')) return false;
      onAsked(() => {
        server.sessions.add('late');
        request.socket.write('HTTP/1.1 200 OK\r\nMcp-Session-Id: late\r\nContent-Length: 2\r\n\r\n{}');
      });
      return true;
    };
    const client = await rig.connect();
    client.send(buildPost(initialize));
    const answer = await asked;
    client.socket.destroy();
    await until(() => rig.gateway.gateway.load.exchanges === 0);
    answer();
    expect(await deletedOf(orphans, 1)).toEqual(['late']);
  });

  it('abandoned-initialize: it keeps its slot at the server until that has answered', async () => {
    await using orphans = await startSessionRig();
    const { server, rig } = orphans;
    const id = await orphans.begin();
    const upstreamLimits = { connections: 1, queue: 10, queueTimeout: minute };
    await rig.gateway.reload([{ ...buildRoute(server.port), upstreamLimits }]);
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<() => void>();
    server.intercept = ({ body, socket }) => {
      if (!body.includes('initialize')) return false;
      onAsked(() => void socket.write('HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n'));
      return true;
    };
    const client = await rig.connect();
    client.send(buildPost(initialize));
    const answer = await asked;
    client.socket.destroy();
    await until(() => rig.gateway.gateway.load.exchanges === 0);
    const waiting = orphans.call(id, 'next');
    await until(() => rig.gateway.gateway.load.exchanges === 1);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    expect(server.executed).toEqual([]);
    answer();
    expect((await waiting).status).toBe(200);
    expect(server.executed).toEqual(['next']);
  });

  it('control: opted out, it is left to its server', async () => {
    const clock = new ManualClock();
    const sessions = { revival: false, idleTimeout: minute, live: 1, noted: 100 };
    await using orphans = await startSessionRig({ clock, changes: { sessions } });
    for (let index = 0; index < 3; index++) await orphans.begin();
    await pass(clock, 10 * minute);
    expect(orphans.server.deleted).toEqual([]);
    expect(orphans.server.sessions.size).toBe(3);
  });
});

describe('sessions beyond the cap', () => {
  it('make room: of 200 that were begun and left, five are held and the others are ended; who comes later is served', async () => {
    await using orphans = await startSessionRig({ changes: keep({ live: 5 }) });
    const { rig, server } = orphans;
    const id = await orphans.begin();
    await orphans.call(id, 'first');
    for (let index = 0; index < 200; index++) {
      await rig.ask(buildPost(initialize));
      expect(rig.gateway.gateway.sessions.live).toBeLessThanOrEqual(5);
    }
    await until(() => server.deleted.length >= 196);
    expect(server.deleted).toHaveLength(196);
    // The one that is used is none of them.
    expect(server.deleted).not.toContain('s1');
    expect((await orphans.call(id, 'last')).body).toContain('"by":"s1"');
    const later = await orphans.begin();
    expect((await orphans.call(later, 'later')).status).toBe(200);
  });

  it('are refused with 503 and Retry-After while all are in use, and taken again afterwards', async () => {
    await using orphans = await startSessionRig({ changes: keep({ live: 2 }) });
    const { rig, server } = orphans;
    const clients = [];
    for (let index = 0; index < 2; index++) {
      const id = await orphans.begin();
      const client = await rig.connect();
      client.send(buildGet({ fields: `${versionField}Mcp-Session-Id: ${id}\r\n` }));
      await streamed(client, (text) => text.includes('\n\n'));
      clients.push(client);
    }
    const refused = await rig.ask(buildPost(initialize));
    expect(refused.status).toBe(503);
    expect(refused.field('retry-after')).toBe('5');
    expect(refused.body).toContain('E_SESSIONS_FULL');
    expect(server.begun).toBe(2);
    clients[0]?.socket.destroy();
    await until(() => rig.gateway.gateway.load.exchanges === 1);
    expect((await rig.ask(buildPost(initialize))).status).toBe(200);
  });
});
