import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildKeys } from '../support/keys.ts';
import { buildCall } from '../support/messages.ts';
import { eventually, settle, startRig } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';

const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const answer = answerJson(result);
const mebibyte = 1024 * 1024;

function answerRaw(text: string): Answer {
  return ({ socket }) => void socket.write(Buffer.from(text, 'latin1'));
}

describe('a call over HTTP/2', () => {
  it('reaches the upstream as over HTTP/1.1', async () => {
    await using rig = await startRig({ answer });
    using client = await connectH2(rig.gateway);
    const call = buildCall();
    const exchange = client.post(call, { 'mcp-session-id': 's', te: 'trailers', 'x-latin': 'caf\xe9' });
    expect(await exchange.head).toMatchObject({ ':status': 200, 'content-type': 'application/json' });
    expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
    expect(exchange.body).toBe(result);
    expect(rig.upstream.requests[0]?.head.split('\r\n')).toEqual([
      'POST /mcp HTTP/1.1',
      `host: 127.0.0.1:${rig.upstream.port}`,
      'content-type: application/json',
      'mcp-session-id: s',
      'x-latin: caf\xe9',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: localhost',
      'x-real-ip: 127.0.0.1',
      'forwarded: for=127.0.0.1;host=localhost;proto=https',
      `content-length: ${call.length}`,
    ]);
    expect(rig.upstream.requests[0]?.body).toBe(call);
    expect(rig.gateway.lines).toMatchObject([{ protocol: 'h2', status: 200, rpc: 'tools/call' }]);
  });

  it.each([65_535, 65_536, 65_537, 8 * mebibyte])('carries %d bytes both ways', async (size) => {
    const call = buildCall({ size });
    await using rig = await startRig({ answer: (request) => answerJson(request.body)(request) });
    using client = await connectH2(rig.gateway);
    const exchange = client.post(call);
    await exchange.closed();
    expect(exchange.body === call).toBe(true);
    expect(rig.upstream.requests[0]?.body === call).toBe(true);
  });

  it.each([
    ['HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', 202],
    ['HTTP/1.1 204 No Content\r\n\r\n', 204],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n', 304],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 404],
    ['HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n', 205],
  ])('%j ends without a body', async (text, status) => {
    await using rig = await startRig({ answer: answerRaw(text) });
    using client = await connectH2(rig.gateway);
    for (let count = 0; count < 3; count++) {
      const exchange = client.post(buildCall());
      expect((await exchange.head)[':status']).toBe(status);
      expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
      expect(exchange.body).toBe('');
    }
    expect(rig.gateway.problems).toEqual([]);
  });

  it('gets fields of the connection dropped and repeated ones kept', async () => {
    await using rig = await startRig({
      answer: answerRaw(
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, x-drop\r\nKeep-Alive: timeout=9\r\nX-Drop: 1\r\nUpgrade: h2c\r\n' +
          'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Two: 1\r\nX-Two: 2\r\nX-Latin: caf\xe9\r\nETag: "x"\r\nContent-Length: 2\r\n\r\n{}',
      ),
    });
    using client = await connectH2(rig.gateway);
    const head = await client.post(buildCall()).head;
    expect(head).toMatchObject({
      'set-cookie': ['a=1', 'b=2'],
      'x-two': '1, 2',
      'x-latin': 'caf\xe9',
      etag: '"x"',
    });
    for (const name of ['connection', 'keep-alive', 'x-drop', 'upgrade']) expect(head[name]).toBeUndefined();
  });

  it('HEAD is refused without a body and the stream ends in order', async () => {
    await using rig = await startRig({ answer });
    using client = await connectH2(rig.gateway);
    for (const [path, status] of [
      ['/mcp', 405],
      ['/healthz', 200],
      ['/nothing', 404],
    ] as const) {
      const exchange = client.request({ ':method': 'HEAD', ':path': path, ':authority': 'localhost' });
      expect((await exchange.head)[':status']).toBe(status);
      expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
    }
    expect(rig.upstream.connections).toBe(0);
    expect(rig.gateway.problems).toEqual([]);
  });

  it('without a key is challenged, and the session goes on', async () => {
    const { key, auth } = buildKeys();
    await using rig = await startRig({ answer, auth });
    using client = await connectH2(rig.gateway);
    const refused = await client.post(buildCall()).head;
    expect(refused[':status']).toBe(401);
    expect(refused['www-authenticate']).toBe('Bearer realm="breakwater"');
    expect((await client.post(buildCall(), { authorization: `Bearer ${key}` }).head)[':status']).toBe(200);
  });

  it('is told apart by ALPN, and can be switched off', async () => {
    await using rig = await startRig({ answer, changes: { http2: false } });
    const socket = connectTls({
      host: '127.0.0.1',
      port: rig.gateway.port,
      ca: rig.gateway.ca,
      servername: 'localhost',
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    await once(socket, 'secureConnect');
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
    await using both = await startRig({ answer });
    using client = await connectH2(both.gateway);
    expect(client.session.alpnProtocol).toBe('h2');
  });
});

describe('event streams over HTTP/2', () => {
  it('show each event before the next is written, side by side on one session', async () => {
    await using rig = await startRig();
    using client = await connectH2(rig.gateway);
    const exchanges = Array.from({ length: 20 }, () => client.get());
    const requests = [];
    for (let count = 0; count < 20; count++) {
      const request = await rig.upstream.next();
      request.socket.write(eventStreamHead);
      requests.push(request);
    }
    for (const exchange of exchanges) {
      expect(await exchange.head).toMatchObject({
        'x-accel-buffering': 'no',
        'cache-control': 'no-cache, no-transform',
      });
    }
    for (let number = 1; number <= 5; number++) {
      for (const { socket } of requests) socket.write(toChunk(`data: ${number}\n\n`));
      await Promise.all(
        exchanges.map((exchange) => exchange.until((body) => body.endsWith(`${number}\n\n`))),
      );
    }
    for (const { socket } of requests) socket.write('0\r\n\r\n');
    for (const exchange of exchanges) expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
    expect(rig.gateway.gateway.load.connections).toBe(1);
  });
});

describe('the 100 streams of a session', () => {
  it('are all there are; the next waits for one to end', async () => {
    await using rig = await startRig();
    using client = await connectH2(rig.gateway);
    await eventually(() => client.session.remoteSettings.maxConcurrentStreams, 100);
    const exchanges = Array.from({ length: 130 }, () => client.get());
    await eventually(() => rig.upstream.requests.length, 100);
    await settle();
    expect(rig.upstream.requests).toHaveLength(100);
    for (let count = 0; count < 30; count++) answer(await rig.upstream.next());
    await eventually(() => rig.upstream.requests.length, 130);
    for (const exchange of exchanges) exchange.stream.close(8);
  });

  it('as configured', async () => {
    await using rig = await startRig({ changes: { limits: { http2Streams: 3 } } });
    using client = await connectH2(rig.gateway);
    await settle();
    expect(client.session.remoteSettings.maxConcurrentStreams).toBe(3);
  });
});
