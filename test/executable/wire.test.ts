import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, receive, stable, streamed } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk } from '../support/scripted-upstream.ts';
import { startFront } from './front.ts';

const call = buildCall();
const result = '{"jsonrpc":"2.0","id":1,"result":{}}';
const answer = answerJson(result);
const mebibyte = 1024 * 1024;

describe('a call', () => {
  it('over HTTP/1.1 reaches the upstream and comes back, on kept connections, pipelined or not', async () => {
    const front = await startFront({ answer });
    // At the start it looks whether the upstream is there.
    const before = front.upstream.connections;
    const client = await front.connect();
    client.send(buildPost(call).repeat(3));
    expect(await receive(client, 3)).toMatchObject({ status: 200, body: result });
    expect(front.upstream.requests.map(({ body }) => body)).toEqual([call, call, call]);
    expect(front.upstream.connections - before).toBe(1);
    expect(await front.gateway.stop()).toBe(0);
    expect(await front.gateway.readAccessLog()).toHaveLength(3);
    expect(front.gateway.complaints).toBe('');
  });

  it('over HTTP/2 does, too, many at a time', async () => {
    const front = await startFront({ answer });
    using client = await connectH2(front.gateway);
    const exchanges = Array.from({ length: 50 }, () => client.post(call));
    for (const exchange of exchanges) {
      expect((await exchange.head)[':status']).toBe(200);
      expect(await exchange.closed()).toMatchObject({ ended: true, code: 0 });
      expect(exchange.body).toBe(result);
    }
    expect(front.upstream.requests).toHaveLength(50);
    expect(front.gateway.complaints).toBe('');
  });

  it('of 4 MiB passes whole in both directions', async () => {
    const large = buildCall({ size: 4 * mebibyte });
    const front = await startFront({ answer: answerJson(large) });
    expect((await front.ask(buildPost(large))).body).toBe(large);
    expect(front.upstream.requests[0]?.body).toBe(large);
  });
});

describe('an event stream', () => {
  it('gets events at once and comments in between', async () => {
    const front = await startFront({ timeouts: { heartbeat: '1s' } });
    const client = await front.connect();
    client.send(buildGet());
    const { socket } = await front.upstream.next();
    socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await streamed(client, (body) => body === 'data: 1\n\n');
    await streamed(client, (body) => body === 'data: 1\n\n: keepalive\n\n');
    socket.write(toChunk('data: 2\n\n'));
    expect(await streamed(client, (body) => body.endsWith('data: 2\n\n'))).toContain(': keepalive\n\n');
  });

  it('control: with a long heartbeat no comment comes', async () => {
    const front = await startFront({ timeouts: { heartbeat: '1h' } });
    const [quiet, lively] = [await front.connect(), await startFront({ timeouts: { heartbeat: '1s' } })];
    quiet.send(buildGet());
    (await front.upstream.next()).socket.write(eventStreamHead);
    const other = await lively.connect();
    other.send(buildGet());
    (await lively.upstream.next()).socket.write(eventStreamHead);
    await streamed(other, (body) => body === ': keepalive\n\n'.repeat(2));
    expect(quiet.received).not.toContain('keepalive');
  });

  it.each(['end', 'destroy', 'reset'] as const)(
    'whose client leaves by %s is let go at the upstream',
    async (leave) => {
      const front = await startFront();
      const client = await front.connect();
      client.send(buildGet());
      (await front.upstream.next()).socket.write(eventStreamHead + toChunk('data: 1\n\n'));
      await streamed(client, (body) => body !== '');
      if (leave === 'reset') client.reset();
      else client.socket[leave]();
      await eventually(() => front.upstream.openSockets, 0);
      expect(front.gateway.complaints).toBe('');
    },
  );

  it('over HTTP/2 whose stream is reset is let go, and its neighbour is not', async () => {
    const front = await startFront();
    using client = await connectH2(front.gateway);
    const [leaver, stayer] = [client.get(), client.get()];
    const sockets = [await front.upstream.next(), await front.upstream.next()].map(({ socket }) => socket);
    for (const socket of sockets) socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await leaver.until((body) => body !== '');
    leaver.stream.close(8);
    await eventually(() => front.upstream.openSockets, 1);
    for (const socket of sockets) if (!socket.destroyed) socket.write(toChunk('data: 2\n\n'));
    expect(await stayer.until((body) => body.endsWith('data: 2\n\n'))).toContain('data: 1\n\n');
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'whose upstream goes by %s ends with last words',
    async (leave) => {
      const front = await startFront();
      const { body, fields } = buildModern('tools/call', { id: 'm1', name: 'echo' });
      const client = await front.connect();
      client.send(buildPost(body, { fields }));
      const { socket } = await front.upstream.next();
      socket.write(eventStreamHead + toChunk('data: {"half'));
      await streamed(client, (text) => text.endsWith('half'));
      socket[leave]();
      const { complete, body: text } = await receive(client);
      expect(complete).toBe(true);
      expect(text).toContain('E_UPSTREAM_BROKE_OFF');
      expect(text).toContain('event: breakwater-cut\n\n');
    },
  );

  it('stalled-reader: stops its upstream, and is cut in time', async () => {
    const front = await startFront({ timeouts: { stall: '1s' } });
    const client = await front.connect();
    client.socket.pause();
    client.send(buildGet());
    const { socket } = await front.upstream.next();
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${50 * mebibyte}\r\n\r\n`);
    for (let sent = 0; sent < 50; sent++) socket.write(Buffer.alloc(mebibyte));
    expect(await stable(() => socket.writableLength)).toBeGreaterThan(25 * mebibyte);
    await eventually(() => front.upstream.openSockets, 0);
  });
});

describe('SIGTERM', () => {
  it('lets a call finish, ends a GET stream, takes no more, and ends with 0', async () => {
    const front = await startFront({ timeouts: { drain: '10s' } });
    const [caller, listener] = [await front.connect(), await front.connect()];
    listener.send(buildGet());
    (await front.upstream.next()).socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await streamed(listener, (body) => body !== '');
    caller.send(buildPost(call));
    const { socket } = await front.upstream.next();
    const stopped = front.gateway.stop();
    expect((await receive(listener)).complete).toBe(true);
    await expect(front.connect()).rejects.toThrow();
    answer({ head: '', body: '', connection: 0, socket });
    expect(await receive(caller)).toMatchObject({ status: 200, body: result });
    expect(await stopped).toBe(0);
    expect(front.gateway.complaints).toBe('');
  });

  it('control: what does not finish within the drain time is told so', async () => {
    const front = await startFront({ timeouts: { drain: '1s' } });
    const caller = await front.connect();
    caller.send(buildPost(call));
    await front.upstream.next();
    const stopped = front.gateway.stop();
    expect((await receive(caller)).body).toContain('E_DRAINING');
    expect(await stopped).toBe(0);
  });
});
