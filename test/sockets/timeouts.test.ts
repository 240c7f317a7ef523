import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectH2, watch } from '../support/h2-client.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost, type RawClient } from '../support/raw-client.ts';
import { eventually, receive, settle, startRig, streamed, type Rig } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');
const sweep = 500;

interface Timed extends AsyncDisposable {
  readonly rig: Rig;
  readonly client: RawClient;
  /** Lets time pass; true while the client's connection is open afterwards. */
  pass(milliseconds: number): Promise<boolean>;
}

async function startTimed(): Promise<Timed> {
  const clock = new ManualClock();
  const rig = await startRig({ answer, clock });
  const client = await rig.connect();
  await expect.poll(() => rig.gateway.gateway.load.connections).toBe(1);
  // The gateway learns of the end of the handshake a little later than the client.
  await settle();
  return {
    rig,
    client,
    async pass(milliseconds) {
      clock.advance(milliseconds);
      await settle();
      return !client.socket.destroyed && !client.socket.readableEnded;
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

describe('slow-client: HTTP/1.1', () => {
  it('a connection that says nothing is closed after 10 seconds', async () => {
    await using timed = await startTimed();
    expect(await timed.pass(10_000 - sweep)).toBe(true);
    expect(await timed.pass(2 * sweep)).toBe(false);
    expect(timed.client.received).toBe('');
  });

  it('a head that comes a byte at a time has 10 seconds in all', async () => {
    await using timed = await startTimed();
    const { client } = timed;
    for (const letter of 'GET /mcp ') {
      client.send(letter);
      await settle();
      expect(await timed.pass(1000)).toBe(true);
    }
    expect(await timed.pass(1000)).toBe(false);
    expect(client.received).toMatch(/^HTTP\/1\.1 408 /);
    expect(client.received).toContain('E_HTTP_TIMEOUT');
    expect(timed.rig.gateway.lines).toMatchObject([{ error: 'E_HTTP_TIMEOUT' }]);
  });

  it('a body that stops has 10 seconds', async () => {
    await using timed = await startTimed();
    timed.client.send(buildPost(buildCall()).slice(0, -10));
    await settle();
    expect(await timed.pass(10_000 - sweep)).toBe(true);
    expect(await timed.pass(2 * sweep)).toBe(false);
    expect(timed.client.received).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('memory-exhaustion: a body that stops at its last byte has 10 seconds, too', async () => {
    await using timed = await startTimed();
    timed.client.send(buildPost(buildCall({ size: 1024 * 1024 })).slice(0, -1));
    await eventually(() => timed.client.socket.writableLength, 0);
    await settle();
    expect(await timed.pass(10_000 - sweep)).toBe(true);
    expect(await timed.pass(2 * sweep)).toBe(false);
    expect(timed.client.received).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('a body that trickles is given no more time than its bytes are worth, 16 KB a second', async () => {
    await using timed = await startTimed();
    timed.client.send('POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    let seconds = 0;
    for (let open = true; open && seconds < 100; seconds++) {
      timed.client.send('1\r\n \r\n');
      await settle();
      open = await timed.pass(1000);
    }
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThanOrEqual(12);
  });

  it('control: a large body over a thin line is taken as long as it keeps coming', async () => {
    await using timed = await startTimed();
    const call = buildCall({ size: 4 * 1024 * 1024 });
    const request = buildPost(call);
    for (let at = 0; at < request.length; at += 32_768) {
      timed.client.send(request.slice(at, at + 32_768));
      await settle();
      expect(await timed.pass(1000)).toBe(true);
    }
    expect((await receive(timed.client)).status).toBe(200);
  });

  it('an idle connection is kept for 75 seconds after its last answer', async () => {
    await using timed = await startTimed();
    for (let count = 1; count <= 3; count++) {
      timed.client.send(buildPost(buildCall()));
      await receive(timed.client, count);
      expect(await timed.pass(75_000 - sweep)).toBe(true);
    }
    expect(await timed.pass(2 * sweep)).toBe(false);
  });

  it('a running answer has no time-out', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    const { socket } = await rig.upstream.next();
    clock.advance(24 * 3_600_000);
    await settle();
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    expect((await receive(client)).status).toBe(200);
  });

  it('a refused client that does not close is cut after 2 seconds', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const socket = await rig.connect();
    socket.socket.allowHalfOpen = true;
    socket.send('nonsense\r\n\r\n');
    await receive(socket);
    clock.advance(3000);
    await rig.idle();
    expect(socket.received).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('slow-client: TLS', () => {
  it('a handshake that does not begin or does not end is given up', async () => {
    await using rig = await startRig({ changes: { timeouts: { handshake: 150 } } });
    const silent = connect({ host: '127.0.0.1', port: rig.gateway.port });
    const half = connect({ host: '127.0.0.1', port: rig.gateway.port });
    half.write(Buffer.from('160301020001', 'hex'));
    for (const socket of [silent, half]) socket.on('error', () => socket.destroy()).resume();
    await Promise.all([once(silent, 'close'), once(half, 'close')]);
    await rig.idle();
    expect(rig.gateway.problems).toEqual([]);
  });
});

describe('slow-client: HTTP/2', () => {
  it('a session without a request is closed after 10 seconds', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    using client = await connectH2(rig.gateway);
    await settle();
    clock.advance(10_000 - sweep);
    await settle();
    expect(client.session.destroyed).toBe(false);
    clock.advance(2 * sweep);
    await rig.idle();
  });

  it('an idle session is closed 75 seconds after its last stream, pings or not', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    using client = await connectH2(rig.gateway);
    await client.post(buildCall()).closed();
    await settle();
    for (let step = 0; step < 3; step++) {
      clock.advance(25_000 - sweep);
      await new Promise((resolve) => void client.session.ping(resolve));
      expect(client.session.destroyed).toBe(false);
    }
    clock.advance(5 * sweep);
    await rig.idle({ upstreamSockets: 0 });
  });

  it('a body that stops has 10 seconds; the others go on', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    using client = await connectH2(rig.gateway);
    const stream = client.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(stream);
    stream.write('{"half');
    await client.post(buildCall()).closed();
    await settle();
    clock.advance(10_000 - sweep);
    await settle();
    expect(stream.closed).toBe(false);
    clock.advance(2 * sweep);
    expect((await exchange.head)[':status']).toBe(408);
    await exchange.closed();
    expect((await client.post(buildCall()).head)[':status']).toBe(200);
  });

  it('memory-exhaustion: a body that stops at its last byte has 10 seconds, too', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    using client = await connectH2(rig.gateway);
    const stream = client.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(stream);
    await new Promise((resolve) => void stream.write(Buffer.alloc(1024 * 1024), resolve));
    await settle();
    clock.advance(10_000 - sweep);
    await settle();
    expect(stream.closed).toBe(false);
    clock.advance(2 * sweep);
    expect((await exchange.head)[':status']).toBe(408);
  });

  it('a body that trickles is given no more time than its bytes are worth, 16 KB a second', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    using client = await connectH2(rig.gateway);
    const stream = client.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(stream);
    let seconds = 0;
    for (; !stream.closed && seconds < 100; seconds++) {
      stream.write(' ');
      await settle();
      clock.advance(1000);
      await settle();
    }
    expect((await exchange.head)[':status']).toBe(408);
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThanOrEqual(12);
  });

  it('control: a large body over a thin line is taken as long as it keeps coming', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    using client = await connectH2(rig.gateway);
    const stream = client.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(stream);
    const call = buildCall({ size: 1024 * 1024 });
    for (let at = 0; at < call.length; at += 32_768) {
      await new Promise((resolve) => void stream.write(call.slice(at, at + 32_768), resolve));
      await settle();
      clock.advance(1000);
      await settle();
    }
    stream.end();
    expect((await exchange.head)[':status']).toBe(200);
  });

  it('a running stream has no time-out, and keeps its session', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    using client = await connectH2(rig.gateway);
    const exchange = client.get();
    const { socket } = await rig.upstream.next();
    socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await exchange.until((body) => body !== '');
    for (let hour = 0; hour < 24; hour++) {
      clock.advance(3_600_000);
      await settle();
    }
    socket.write(toChunk('data: 2\n\n'));
    await exchange.until((body) => body.endsWith('data: 2\n\n'));
    expect(exchange.body).toMatch(/^data: 1\n\n(: keepalive\n\n)+data: 2\n\n$/);
  });
});

describe('control', () => {
  it('an event stream over HTTP/1.1 outlives all of these times', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.send(buildGet());
    const { socket } = await rig.upstream.next();
    socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await streamed(client, (body) => body !== '');
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(60_000);
      await settle();
    }
    socket.write(toChunk('data: 2\n\n'));
    const body = await streamed(client, (text) => text.endsWith('data: 2\n\n'));
    expect(body).toMatch(/^data: 1\n\n(: keepalive\n\n)+data: 2\n\n$/);
  });
});
