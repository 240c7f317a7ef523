import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost, type RawClient } from '../support/raw-client.ts';
import { receive, settle, startRig, streamed, type Rig } from '../support/rig.ts';
import { eventStreamHead, toChunk, type ReceivedRequest } from '../support/scripted-upstream.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
const retry = 'retry: 6000\n\n';
const event = 'id: 1\ndata: {"n":1}\n\n';

interface Stopping extends AsyncDisposable {
  readonly rig: Rig;
  readonly clock: ManualClock;
  /** Sends a request on a connection of its own and waits until the upstream has it. */
  start(request: string): Promise<{ readonly client: RawClient; readonly request: ReceivedRequest }>;
  /** Starts the shutdown; the list gets an entry when it is over. */
  stop(): Promise<readonly true[]>;
}

async function startStopping(): Promise<Stopping> {
  const clock = new ManualClock();
  const rig = await startRig({ clock, changes: { timeouts: { drain: 30_000 } } });
  return {
    rig,
    clock,
    async start(text) {
      const client = await rig.connect();
      client.send(text);
      return { client, request: await rig.upstream.next() };
    },
    async stop() {
      const done: true[] = [];
      void rig.gateway.gateway.shutdown().then(() => done.push(true));
      await settle();
      return done;
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

const isRefused = async (port: number): Promise<boolean> => {
  const socket = connect({ host: '127.0.0.1', port });
  return once(socket, 'connect').then(
    () => false,
    () => true,
  );
};

describe('a shutdown', () => {
  it('closes idle connections, takes no new ones, and is over at once when nothing runs', async () => {
    await using stopping = await startStopping();
    const client = await stopping.rig.connect();
    const done = await stopping.stop();
    await client.closed();
    await expect.poll(() => done).toEqual([true]);
    expect(await isRefused(stopping.rig.gateway.port)).toBe(true);
    expect(stopping.rig.gateway.gateway.load).toEqual({
      connections: 0,
      exchanges: 0,
      upstreamConnections: 0,
    });
  });

  it('lets calls finish, JSON and streams, and closes their connections then', async () => {
    await using stopping = await startStopping();
    const json = await stopping.start(buildPost(buildCall()));
    const stream = await stopping.start(buildPost(buildCall()));
    stream.request.socket.write(eventStreamHead + toChunk(event));
    await streamed(stream.client, (body) => body === event);
    const done = await stopping.stop();
    stopping.clock.advance(29_000);
    await settle();
    expect(await isRefused(stopping.rig.gateway.port)).toBe(true);
    json.request.socket.write(ok);
    const answer = await receive(json.client);
    expect(answer.body).toBe('{}');
    expect(answer.field('connection')).toBe('close');
    await json.client.closed();
    stream.request.socket.write(`${toChunk(event)}0\r\n\r\n`);
    expect((await receive(stream.client)).body.replaceAll(': keepalive\n\n', '')).toBe(event + event);
    await stream.client.closed();
    await expect.poll(() => done).toEqual([true]);
  });

  it('answers a request whose body is still coming, and none behind it', async () => {
    await using stopping = await startStopping();
    const client = await stopping.rig.connect();
    const call = buildPost(buildCall());
    client.send(call.slice(0, -10));
    await settle();
    await stopping.stop();
    client.send(call.slice(-10) + call);
    (await stopping.rig.upstream.next()).socket.write(ok);
    expect((await receive(client)).status).toBe(200);
    await client.closed();
    expect(stopping.rig.upstream.requests).toHaveLength(1);
  });

  it('ends a GET stream with `retry`, spread so that not all come back together', async () => {
    await using stopping = await startStopping();
    const { client, request } = await stopping.start(buildGet());
    request.socket.write(eventStreamHead + toChunk(event));
    await streamed(client, (body) => body === event);
    const done = await stopping.stop();
    expect((await receive(client)).body).toBe(event + retry);
    await client.closed();
    await expect.poll(() => [done, stopping.rig.upstream.openSockets]).toEqual([[true], 0]);
    expect(stopping.rig.gateway.lines).toMatchObject([{ status: 200, stream: true }]);
  });

  it('waits for the end of the event under way before it ends a GET stream', async () => {
    await using stopping = await startStopping();
    const { client, request } = await stopping.start(buildGet());
    request.socket.write(eventStreamHead + toChunk(event + event.slice(0, 12)));
    await streamed(client, (body) => body.length === event.length + 12);
    await stopping.stop();
    expect(client.received).not.toContain('retry');
    request.socket.write(toChunk(event.slice(12)));
    expect((await receive(client)).body).toBe(event + event + retry);
  });

  it('ends a GET stream that begins only now', async () => {
    await using stopping = await startStopping();
    const { client, request } = await stopping.start(buildGet());
    await stopping.stop();
    request.socket.write(eventStreamHead);
    expect((await receive(client)).body).toBe(retry);
  });

  it('ends subscriptions/listen with its complete result (2026-07-28)', async () => {
    await using stopping = await startStopping();
    const listen = buildModern('subscriptions/listen', { id: 'sub-1' });
    const { client, request } = await stopping.start(buildPost(listen.body, { fields: listen.fields }));
    request.socket.write(eventStreamHead + toChunk(event));
    await streamed(client, (body) => body === event);
    const done = await stopping.stop();
    const { body, complete } = await receive(client);
    expect(complete).toBe(true);
    expect(JSON.parse(body.slice(event.length).replace(/^event: message\ndata: /, ''))).toEqual({
      jsonrpc: '2.0',
      id: 'sub-1',
      result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'sub-1' } },
    });
    await expect.poll(() => done).toEqual([true]);
  });
});

describe('after the drain time', () => {
  it('what is left gets an error as far as one can be told, and the shutdown is over', async () => {
    await using stopping = await startStopping();
    const waiting = await stopping.start(buildPost(buildCall({ id: 'w' })));
    const stream = await stopping.start(buildPost(buildCall({ id: 's' })));
    stream.request.socket.write(eventStreamHead + toChunk('data: {"half'));
    const json = await stopping.start(buildPost(buildCall()));
    json.request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"half');
    const get = await stopping.start(buildGet());
    get.request.socket.write(eventStreamHead + toChunk('data: {"half'));
    for (const { client } of [stream, json, get]) await client.until((text) => text.includes('{"half'));
    const done = await stopping.stop();
    stopping.clock.advance(29_999);
    await settle();
    expect(done).toEqual([]);
    stopping.clock.advance(1);
    const answer = await receive(waiting.client);
    expect(answer.status).toBe(503);
    expect(answer.field('retry-after')).toBe('5');
    expect(answer.field('connection')).toBe('close');
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 'w',
      error: { code: -31503, data: { reason: 'E_DRAINING' } },
    });
    const { body } = await receive(stream.client);
    expect(body).toMatch(
      /^data: \{"half\nevent: breakwater-cut\n\nevent: message\ndata: .*"id":"s".*E_DRAINING.*\n\n$/,
    );
    expect(await json.client.closed()).toMatch(/\{"half$/);
    expect(await get.client.closed()).not.toMatch(/0\r\n\r\n$/);
    await expect.poll(() => done).toEqual([true]);
    await stopping.rig.idle();
  });

  it('a client that does not read or close cannot hold it up', async () => {
    await using stopping = await startStopping();
    const { client, request } = await stopping.start(buildGet());
    client.socket.pause();
    request.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n');
    for (let count = 0; count < 40; count++) request.socket.write(Buffer.alloc(1024 * 1024));
    const done = await stopping.stop();
    stopping.clock.advance(30_000);
    await settle();
    stopping.clock.advance(1000);
    await expect.poll(() => done).toEqual([true]);
    await stopping.rig.idle();
  });
});

describe('shutting down twice, or sooner', () => {
  it('is the same shutdown', async () => {
    await using stopping = await startStopping();
    const { client, request } = await stopping.start(buildPost(buildCall()));
    const { gateway } = stopping.rig.gateway;
    const first = gateway.shutdown();
    expect(gateway.shutdown()).toBe(first);
    request.socket.write(ok);
    await receive(client);
    await first;
    expect(gateway.shutdown()).toBe(first);
  });

  it('hasten gives up at once what still runs', async () => {
    await using stopping = await startStopping();
    const { client } = await stopping.start(buildPost(buildCall({ id: 7 })));
    const done = await stopping.stop();
    stopping.rig.gateway.gateway.hasten();
    stopping.rig.gateway.gateway.hasten();
    expect(JSON.parse((await receive(client)).body)).toMatchObject({
      id: 7,
      error: { data: { reason: 'E_DRAINING' } },
    });
    await client.closed();
    await expect.poll(() => done).toEqual([true]);
  });

  it('hasten cuts a client that does not go within a second', async () => {
    await using stopping = await startStopping();
    const silent = connect({ host: '127.0.0.1', port: stopping.rig.gateway.port });
    await once(silent, 'connect');
    await expect.poll(() => stopping.rig.gateway.gateway.load.connections).toBe(1);
    const done = await stopping.stop();
    expect(done).toEqual([]);
    stopping.rig.gateway.gateway.hasten();
    stopping.clock.advance(1000);
    await expect.poll(() => done).toEqual([true]);
    silent.destroy();
  });
});

describe('connections in other states', () => {
  it.each(['http/1.1', 'h2'])(
    'a handshake that ends only now gives a connection that is closed: %s',
    async (protocol) => {
      await using stopping = await startStopping();
      const { port, ca } = stopping.rig.gateway;
      const tcp = connect({ host: '127.0.0.1', port });
      await once(tcp, 'connect');
      await expect.poll(() => stopping.rig.gateway.gateway.load.connections).toBe(1);
      const done = await stopping.stop();
      const socket = connectTls({ socket: tcp, ca, servername: 'localhost', ALPNProtocols: [protocol] });
      socket.on('error', () => socket.destroy());
      socket.resume();
      await once(socket, 'secureConnect');
      await once(socket, 'close');
      await expect.poll(() => done).toEqual([true]);
    },
  );

  it('HTTP/2 sessions are told to go away, their streams end by the same rules', async () => {
    await using stopping = await startStopping();
    using client = await connectH2(stopping.rig.gateway);
    const call = client.post(buildCall());
    const first = await stopping.rig.upstream.next();
    const get = client.get();
    const second = await stopping.rig.upstream.next();
    second.socket.write(eventStreamHead + toChunk(event));
    await get.until((body) => body === event);
    const goaway = once(client.session, 'goaway');
    const done = await stopping.stop();
    await goaway;
    expect(await get.closed()).toEqual({ ended: true, code: 0 });
    expect(get.body).toBe(event + retry);
    first.socket.write(ok);
    expect((await call.head)[':status']).toBe(200);
    expect(await call.closed()).toEqual({ ended: true, code: 0 });
    await expect.poll(() => done).toEqual([true]);
    expect(stopping.rig.gateway.gateway.load).toEqual({
      connections: 0,
      exchanges: 0,
      upstreamConnections: 0,
    });
  });

  it('an idle HTTP/2 session does not hold it up', async () => {
    await using stopping = await startStopping();
    using client = await connectH2(stopping.rig.gateway);
    await settle();
    const done = await stopping.stop();
    await expect.poll(() => client.session.destroyed).toBe(true);
    await expect.poll(() => done).toEqual([true]);
  });
});
