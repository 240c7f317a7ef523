import { describe, expect, it } from 'vitest';
import { readFinalAnswers } from '../support/answers.ts';
import { connectH2, watch } from '../support/h2-client.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, receive, settle, stable, startRig, streamed } from '../support/rig.ts';
import { eventStreamHead, toChunk, type Answer, type ReceivedRequest } from '../support/scripted-upstream.ts';

const mebibyte = 1024 * 1024;
const block = Buffer.alloc(mebibyte, 'x');
/** What the kernel may hold between two processes on loopback, in both directions of two connections. */
const kernelBuffers = 20 * mebibyte;

/** Offers `size` bytes at once; nothing of them is copied here. */
function offer({ socket }: ReceivedRequest, size: number, head = 'HTTP/1.1 200 OK\r\n'): void {
  socket.write(`${head}Content-Length: ${size}\r\n\r\n`);
  for (let sent = 0; sent < size; sent += mebibyte) socket.write(block);
}

describe('stalled-reader: a client that does not read', () => {
  it('stops its upstream: of 50 MiB only what the kernel holds is taken', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.socket.pause();
    client.send(buildGet());
    const request = await rig.upstream.next();
    offer(request, 50 * mebibyte);
    const waiting = await stable(() => request.socket.writableLength);
    expect(50 * mebibyte - waiting).toBeLessThan(kernelBuffers);
    client.socket.resume();
    await client.until((text) => text.length > 50 * mebibyte);
  });

  it.each([
    ['JSON', 'HTTP/1.1 200 OK\r\n'],
    ['an event stream', 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'],
  ])('of %s is cut after 30 seconds, and its upstream with it', async (_name, head) => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.socket.pause();
    client.send(buildGet());
    const request = await rig.upstream.next();
    offer(request, 50 * mebibyte, head);
    await stable(() => request.socket.writableLength);
    clock.advance(29_500);
    await settle();
    expect(rig.gateway.gateway.load.exchanges).toBe(1);
    clock.advance(2500);
    await rig.idle();
  });

  it('over HTTP/2 loses its stream after 30 seconds, and no other', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    using client = await connectH2(rig.gateway);
    const stalled = client.session.request({ ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(stalled);
    stalled.pause();
    const request = await rig.upstream.next();
    const other = client.get();
    const second = await rig.upstream.next();
    second.socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await other.until((body) => body !== '');
    offer(request, 50 * mebibyte);
    await stable(() => request.socket.writableLength);
    clock.advance(29_500);
    await settle();
    expect(rig.upstream.openSockets).toBe(2);
    clock.advance(2500);
    await eventually(() => rig.upstream.openSockets, 1);
    expect(await exchange.closed()).toMatchObject({ ended: false });
    second.socket.write(toChunk('data: 2\n\n'));
    await other.until((body) => body.includes('data: 2'));
  });

  it('control: one that reads a little in each 20 seconds gets everything', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.socket.pause();
    client.send(buildGet());
    const request = await rig.upstream.next();
    offer(request, 50 * mebibyte);
    for (let round = 0; round < 10; round++) {
      await stable(() => request.socket.writableLength);
      clock.advance(20_000);
      const target = client.received.length + 4 * mebibyte;
      client.socket.resume();
      await client.until((text) => text.length >= target);
      client.socket.pause();
    }
    client.socket.resume();
    await client.until((text) => text.length > 50 * mebibyte);
    expect(readFinalAnswers(client.received)[0]?.complete).toBe(true);
  });

  it('pipelined-answers: one that asks on and on without reading is not served on and on', async () => {
    const body = 'x'.repeat(60_000);
    const answer: Answer = ({ socket }) =>
      void socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await using rig = await startRig({ answer });
    const client = await rig.connect();
    client.socket.pause();
    client.send(buildGet().repeat(3000));
    const served = await stable(() => rig.upstream.requests.length);
    expect(served * body.length).toBeLessThan(kernelBuffers);
    client.socket.resume();
    await client.until((text) => text.length > 3000 * (body.length + 42) - 1);
    expect(rig.upstream.requests).toHaveLength(3000);
  });

  it('a last answer is not cut short while it is still being read', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.socket.pause();
    client.send(buildGet({ fields: 'Connection: close\r\n' }));
    const request = await rig.upstream.next();
    offer(request, 8 * mebibyte);
    for (let round = 0; round < 4; round++) {
      await stable(() => request.socket.writableLength);
      clock.advance(5000);
      await settle();
      const target = client.received.length + mebibyte;
      client.socket.resume();
      await client.until((text) => text.length >= target);
      client.socket.pause();
    }
    client.socket.resume();
    expect(readFinalAnswers(await client.closed())[0]).toMatchObject({ status: 200, complete: true });
  });
});

describe('a client that writes on and on', () => {
  it('while its answer streams is not read, and is served in order afterwards', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.send(buildGet());
    const request = await rig.upstream.next();
    request.socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await streamed(client, (body) => body !== '');
    const call = buildCall({ size: 100_000 });
    for (let count = 0; count < 300; count++) client.send(buildPost(call));
    const waiting = await stable(() => client.socket.writableLength);
    expect(300 * call.length - waiting).toBeLessThan(kernelBuffers / 2);
    request.socket.write(`${toChunk('data: 2\n\n')}0\r\n\r\n`);
    for (let count = 0; count < 300; count++) {
      const next = await rig.upstream.next();
      next.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    }
    expect((await receive(client, 301)).body).toBe('{}');
  });

  it('50 requests at once are answered in order', async () => {
    const answer: Answer = ({ body, socket }) => {
      const { id } = JSON.parse(body) as { id: number }; // The calls below.
      const text = JSON.stringify({ id, pad: 'p'.repeat(id * 100) });
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    };
    await using rig = await startRig({ answer });
    const client = await rig.connect();
    const calls = Array.from({ length: 50 }, (_, id) => buildPost(buildCall({ id, size: id * 997 })));
    client.send(calls.join(''));
    await receive(client, 50);
    const ids = readFinalAnswers(client.received).map(({ body }) => (JSON.parse(body) as { id: number }).id);
    expect(ids).toEqual(Array.from({ length: 50 }, (_, id) => id));
    expect(rig.upstream.connections).toBe(1);
  });
});
