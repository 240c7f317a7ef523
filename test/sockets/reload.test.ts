import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AuthConfig, RouteConfig } from '../../src/config/config.ts';
import { buildKeys } from '../support/keys.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { measureMemory } from '../support/memory.ts';
import { findFreePort } from '../support/programs.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import { receive, startRig, streamed, type Rig } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type Answer,
} from '../support/scripted-upstream.ts';

const call = buildPost(buildCall());
const listen = buildModern('subscriptions/listen', { id: 7 });
const sayWho = (name: string): string => JSON.stringify({ jsonrpc: '2.0', id: 1, result: { name } });

/** Calls are answered with a name, streams are opened and left open. */
function answerAs(name: string): Answer {
  return (request) => {
    const isStream = request.head.startsWith('GET ') || request.body.includes('subscriptions/listen');
    if (isStream) request.socket.write(eventStreamHead + toChunk('data: begun\n\n'));
    else answerJson(sayWho(name))(request);
  };
}

async function openStream(rig: Rig, request: string): Promise<RawClient> {
  const client = await rig.connect();
  client.send(request);
  await streamed(client, (body) => body.includes('data: begun\n\n'));
  return client;
}

describe('another configuration', () => {
  it('serves the next request on a connection that is open', async () => {
    await using rig = await startRig({ answer: answerAs('old') });
    const other = await startScriptedUpstream(answerAs('new'));
    const client = await rig.connect();
    client.send(call);
    expect((await receive(client)).body).toContain('old');
    await rig.gateway.reload([buildRoute(other.port)]);
    client.clear();
    client.send(call);
    expect((await receive(client)).body).toContain('new');
    client.clear();
    await rig.gateway.reload([buildRoute(other.port, { path: '/other' })]);
    client.send(call);
    expect((await receive(client)).status).toBe(404);
    expect((await rig.ask(call.replace('/mcp', '/other'))).body).toContain('new');
    await other.stop();
  });

  it('leaves running streams and calls as they are, whatever becomes of their upstream', async () => {
    await using rig = await startRig({ answer: answerAs('old') });
    const stream = await openStream(rig, buildGet());
    const slow = await rig.connect();
    const held = await startScriptedUpstream();
    await rig.gateway.reload([buildRoute(held.port)]);
    slow.send(call);
    const waiting = await held.next();
    await rig.gateway.reload([buildRoute(rig.upstream.port)], { limits: { connections: 50 } });
    answerJson(sayWho('late'))(waiting);
    expect((await receive(slow)).body).toContain('late');
    rig.upstream.requests[0]?.socket.write(toChunk('data: later\n\n'));
    await streamed(stream, (body) => body.includes('data: later\n\n'));
    // The pool that is gone keeps no connection.
    await expect.poll(() => held.openSockets).toBe(0);
    await held.stop();
  });

  it.each([
    ['legacy', buildGet(), 'retry: 6000\n\n'],
    ['modern', buildPost(listen.body, { fields: listen.fields }), '"resultType":"complete"'],
  ])('ends the streams of a route that is gone, by the rule of the %s era', async (_era, request, last) => {
    await using rig = await startRig({ answer: answerAs('old') });
    const stream = await openStream(rig, request);
    await rig.gateway.reload([buildRoute(rig.upstream.port, { path: '/other' })]);
    const { body } = await receive(stream);
    expect(body).toContain(last);
  });

  it('ends a stream of a route that is gone also when its upstream had not answered yet', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.send(buildGet());
    const request = await rig.upstream.next();
    await rig.gateway.reload([buildRoute(rig.upstream.port, { path: '/other' })]);
    request.socket.write(eventStreamHead + toChunk('data: begun\n\n'));
    expect((await receive(client)).body).toContain('retry: 6000\n\n');
  });

  it('takes over the warm connections to an upstream that stays', async () => {
    await using rig = await startRig({ answer: answerAs('same') });
    await rig.ask(call);
    await rig.gateway.reload([buildRoute(rig.upstream.port), buildRoute(rig.upstream.port, { path: '/b' })]);
    await rig.ask(call);
    expect(rig.upstream.connections).toBe(1);
  });

  it('leaves message endpoints open that were announced before (HTTP+SSE)', async () => {
    await using rig = await startRig({
      answer: (request) => {
        if (!request.head.startsWith('GET ')) answerJson('{}')(request);
        else request.socket.write(eventStreamHead + toChunk('event: endpoint\ndata: /messages?s=1\n\n'));
      },
    });
    const client = await rig.connect();
    client.send(buildGet());
    await streamed(client, (body) => body.includes('/messages?s=1'));
    await rig.gateway.reload([buildRoute(rig.upstream.port)]);
    const path = '/messages?s=1';
    expect((await rig.ask(buildPost(buildCall(), { path }))).status).toBe(200);
    expect(rig.upstream.requests.at(-1)?.head).toContain('POST /messages?s=1 ');
  });
});

describe('a configuration that was replaced', () => {
  it.each([
    ['one server', (route: RouteConfig): RouteConfig => route],
    [
      'checks and a name',
      (route: RouteConfig): RouteConfig => ({
        ...route,
        health: { check: { kind: 'tcp' }, interval: 5000, timeout: 2000, rise: 2, fall: 3 },
        upstreams: route.upstreams.map((upstream) => ({ ...upstream, resolvesAll: true })),
      }),
    ],
  ])('with %s is let go of, and with it all those before', async (_what, change) => {
    await using rig = await startRig({ answer: answerAs('x') });
    const serve = async (): Promise<WeakRef<RouteConfig>> => {
      const route = change(buildRoute(rig.upstream.port));
      await rig.gateway.reload([route]);
      expect((await rig.ask(call)).status).toBe(200);
      return new WeakRef(route);
    };
    const references = [];
    for (let count = 0; count < 4; count++) references.push(await serve());
    await rig.idle({ upstreamSockets: 'any' });
    await measureMemory();
    const kept = references.map((reference) => reference.deref() !== undefined);
    // Control: the one in use is still there.
    expect(kept).toEqual([false, false, false, true]);
  });
});

describe('limits', () => {
  const rates = [{ per: 'address', requests: 2, within: 60_000, routes: [], tools: [] }] as const;

  it('rate-limit-reset: go on counting where they stay as they are', async () => {
    await using rig = await startRig({ answer: answerAs('x'), changes: { limits: { rates } } });
    const ask = async (): Promise<number> => (await rig.ask(call)).status;
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429]);
    await rig.gateway.reload([buildRoute(rig.upstream.port)], { limits: { rates }, hosts: ['x.test'] });
    expect(await ask()).toBe(429);
    await rig.gateway.reload([buildRoute(rig.upstream.port)], {});
    expect(await ask()).toBe(200);
  });

  it('count connections by the new figure', async () => {
    await using rig = await startRig({ answer: answerAs('x') });
    await rig.connect();
    await rig.gateway.reload([buildRoute(rig.upstream.port)], { limits: { connectionsPerAddress: 1 } });
    await expect(rig.connect()).rejects.toThrow();
    await rig.gateway.reload([buildRoute(rig.upstream.port)]);
    await rig.connect();
  });
});

describe('addresses', () => {
  it('move: the new one answers, the old one takes nothing new, and its streams go on', async () => {
    await using rig = await startRig({ answer: answerAs('x') });
    const { port } = rig.gateway;
    const stream = await openStream(rig, buildGet());
    const moved = await findFreePort();
    const listenAt = { listen: { host: '127.0.0.1', port: moved } };
    await rig.gateway.reload([buildRoute(rig.upstream.port)], listenAt);
    expect(rig.gateway.port).toBe(moved);
    expect((await rig.ask(call)).status).toBe(200);
    await expect(once(connect({ host: '127.0.0.1', port }), 'connect')).rejects.toThrow('ECONNREFUSED');
    rig.upstream.requests[0]?.socket.write(toChunk('data: later\n\n'));
    await streamed(stream, (body) => body.includes('data: later\n\n'));
  });

  it('that cannot be bound leave everything as it was', async () => {
    await using rig = await startRig({ answer: answerAs('old') });
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const plainHttp = { host: '127.0.0.1', port: await findFreePort() };
    const next = [buildRoute(rig.upstream.port, { path: '/other' })];
    await expect(
      rig.gateway.reload(next, { plainHttp, listen: { host: '127.0.0.1', port } }),
    ).rejects.toThrow('EADDRINUSE');
    expect((await rig.ask(call)).body).toContain('old');
    await expect(once(connect(plainHttp), 'connect')).rejects.toThrow('ECONNREFUSED');
    taken.close();
  });

  it('of plain HTTP come and go', async () => {
    await using rig = await startRig({ answer: answerAs('x') });
    const plainHttp = { host: '127.0.0.1', port: await findFreePort() };
    const routes = [buildRoute(rig.upstream.port)];
    await rig.gateway.reload(routes, { plainHttp });
    const answer = await fetch(`http://127.0.0.1:${plainHttp.port}/healthz`);
    expect(answer.status).toBe(200);
    await answer.text();
    await rig.gateway.reload(routes, {});
    // A connection that is kept has one more answer.
    await expect(once(connect(plainHttp), 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('who may come in', () => {
  const ours = buildKeys('ours');
  const theirs = buildKeys('theirs');
  const lock = (...keys: readonly { readonly name: string; readonly sha256: string }[]): AuthConfig => ({
    kind: 'required',
    keys: { listed: keys.map((key) => ({ ...key, expiresAt: undefined, scopes: [] })), stored: false },
    certificates: undefined,
    oauth: undefined,
  });
  const both = lock({ name: 'ours', sha256: ours.sha256 }, { name: 'theirs', sha256: theirs.sha256 });
  const one = lock({ name: 'ours', sha256: ours.sha256 });
  const get = ({ key }: { readonly key: string }): string =>
    buildGet({ fields: `Authorization: Bearer ${key}\r\n` });

  it('lost-access: is asked again of whoever is here, and who may not is turned out', async () => {
    await using rig = await startRig({ answer: answerAs('x'), auth: both });
    const stays = await openStream(rig, get(ours));
    const goes = await openStream(rig, get(theirs));
    await rig.gateway.reload([buildRoute(rig.upstream.port, { auth: one })]);
    expect(await goes.closed()).toContain('data: begun');
    const [first] = rig.upstream.requests;
    first?.socket.write(toChunk('data: later\n\n'));
    await streamed(stays, (body) => body.includes('data: later\n\n'));
    expect(
      (await rig.ask(call.replace('Accept', `Authorization: Bearer ${theirs.key}\r\nAccept`))).status,
    ).toBe(401);
  });

  it('lost-access: a rule that denies ends what it denies', async () => {
    await using rig = await startRig({ answer: answerAs('x'), auth: both });
    const goes = await openStream(rig, get(ours));
    await rig.gateway.reload([buildRoute(rig.upstream.port, { auth: both, rules: [] })]);
    expect(await goes.closed()).toContain('data: begun');
  });

  it.each([
    ['a key that is gone', { auth: one }, theirs, 401, 'E_AUTH_INVALID', /^Bearer .*error="invalid_token"/],
    ['a rule that denies', { auth: both, rules: [] }, ours, 403, 'E_ACCESS_DENIED', undefined],
  ])(
    'lost-access: who waits for an answer is told what they would be told now: %s',
    async (_why, change, { key }, status, code, challenge) => {
      await using rig = await startRig({ answer: () => undefined, auth: both });
      const client = await rig.connect();
      client.send(call.replace('Accept', `Authorization: Bearer ${key}\r\nAccept`));
      await rig.upstream.next();
      await rig.gateway.reload([buildRoute(rig.upstream.port, change)]);
      const answer = await receive(client);
      expect(answer.status).toBe(status);
      expect(answer.body).toContain(code);
      if (challenge === undefined) expect(answer.field('www-authenticate')).toBeUndefined();
      else expect(answer.field('www-authenticate')).toMatch(challenge);
    },
  );

  it('is not asked of those whose route is open now', async () => {
    await using rig = await startRig({ answer: answerAs('x'), auth: both });
    const stays = await openStream(rig, get(ours));
    await rig.gateway.reload([buildRoute(rig.upstream.port)]);
    rig.upstream.requests[0]?.socket.write(toChunk('data: later\n\n'));
    expect(await streamed(stays, (body) => body.includes('data: later\n\n'))).toContain('data: begun');
  });

  it('strangers are turned out where a route is locked', async () => {
    await using rig = await startRig({ answer: answerAs('x') });
    const goes = await openStream(rig, buildGet());
    await rig.gateway.reload([buildRoute(rig.upstream.port, { auth: one })]);
    expect(await goes.closed()).toContain('data: begun');
  });

  it('an issuer that is away for a moment turns nobody out, and nobody stays for ever', async () => {
    const clock = new ManualClock();
    let isAway = false;
    await using rig = await startRig({
      clock,
      answer: answerAs('x'),
      auth: both,
      changeAccess: (access) =>
        isAway
          ? {
              ...access,
              routes: new Map(
                [...access.routes].map(([path, own]) => [
                  path,
                  {
                    ...own,
                    check: own.check && {
                      ...own.check,
                      keys: undefined,
                      tokens: {
                        requiredScopes: [],
                        isKept: false,
                        verify: () => ({ kind: 'unavailable' }) as const,
                        isCurrent: () => true,
                      },
                    },
                  },
                ]),
              ),
            }
          : access,
    });
    const stream = await openStream(rig, get(ours));
    isAway = true;
    await rig.gateway.reload([buildRoute(rig.upstream.port, { auth: one })]);
    rig.upstream.requests[0]?.socket.write(toChunk('data: later\n\n'));
    await streamed(stream, (body) => body.includes('data: later\n\n'));
    clock.advance(61_000);
    expect(await stream.closed()).toContain('data: later');
  });
});

describe('the connection', () => {
  it('is good for the PROXY protocol as soon as it is asked for', async () => {
    await using rig = await startRig({ answer: answerAs('x') });
    await rig.gateway.reload([buildRoute(rig.upstream.port)], {
      proxyProtocol: true,
      trustedProxies: ['127.0.0.1'],
    });
    await expect(rig.connect()).rejects.toThrow();
    const preface = 'PROXY TCP4 192.0.2.7 192.0.2.1 5555 443\r\n';
    const client = await connectRaw({ port: rig.gateway.port, ca: rig.gateway.ca, preface });
    client.send(call);
    expect((await receive(client)).status).toBe(200);
    client.socket.destroy();
  });
});
