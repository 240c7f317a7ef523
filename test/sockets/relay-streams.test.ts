import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, streamed } from '../support/rig.ts';
import { eventStreamHead, toChunk } from '../support/scripted-upstream.ts';

/** Everything an event stream may hold, in all three line endings. */
const oddities =
  'retry: 3000\nid: 1\ndata:\n\n' +
  ': a comment\n\n:\n\n' +
  'event: message\r\nid: 2\r\ndata: {"jsonrpc":"2.0",\r\ndata: "method":"x"}\r\n\r\n' +
  'id: 3\rdata: mac\r\r' +
  'data\n\nid\n\nunknown: field\nnocolon\ndata: caf\u00e9 \u2713 \u{1f30a}\n\n\n\n\n' +
  'data: last, without an end';

describe('an event stream', () => {
  it('shows each event to the client before the next is written', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    const { socket } = await rig.upstream.next();
    socket.write(eventStreamHead);
    await client.until((text) => text.includes('\r\n\r\n'));
    for (let number = 1; number <= 20; number++) {
      const event = `id: ${number}\ndata: {"n":${number}}\n\n`;
      socket.write(toChunk(event));
      await streamed(client, (body) => body.endsWith(event));
    }
    socket.write('0\r\n\r\n');
    expect((await receive(client)).body.match(/^id: /gm)).toHaveLength(20);
  });

  const bytes = Buffer.from(oddities);
  const pieces = (size: number): Buffer[] =>
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
  it.each([1, 2, 3, 7, 64, 4096])('passes byte for byte in chunks of %d', async (size) => {
    await using rig = await startRig({
      answer: ({ socket }) => {
        socket.write(eventStreamHead);
        for (const piece of pieces(size)) {
          socket.write(`${piece.length.toString(16)}\r\n`);
          socket.write(piece);
          socket.write('\r\n');
        }
        socket.write('0\r\n\r\n');
      },
    });
    for (const request of [
      buildPost(buildCall()),
      buildGet(),
      buildGet({ fields: 'Mcp-Session-Id: s\r\n' }),
    ]) {
      const answer = await rig.ask(request);
      expect(Buffer.from(answer.body, 'latin1').toString()).toBe(oddities);
    }
  });

  it.each([
    ['a length', `Content-Length: ${bytes.length}\r\n`],
    ['the end of the connection', ''],
  ])('delimited by %s passes byte for byte and is given no length', async (_name, framing) => {
    await using rig = await startRig({
      answer: ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n${framing}\r\n`);
        socket.end(bytes);
      },
    });
    const answer = await rig.ask(buildPost(buildCall()));
    expect(Buffer.from(answer.body, 'latin1').toString()).toBe(oddities);
    expect(answer.field('content-length')).toBeUndefined();
  });

  it.each(['text/event-stream', 'Text/Event-Stream; charset=utf-8', 'text/event-stream ;charset=UTF-8'])(
    'as %s is marked against buffering, caching and compression, whatever the upstream says',
    async (type) => {
      await using rig = await startRig({
        answer: ({ socket }) =>
          void socket.write(
            `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nCache-Control: public, max-age=60\r\nX-Accel-Buffering: yes\r\n` +
              'Content-Length: 9\r\n\r\ndata: 1\n\n',
          ),
      });
      const answer = await rig.ask(buildGet({ fields: 'Accept-Encoding: gzip, br, zstd\r\n' }));
      expect(answer.field('content-type')).toBe(type);
      expect(answer.field('cache-control')).toBe('no-cache, no-transform');
      expect(answer.field('x-accel-buffering')).toBe('no');
      expect(answer.field('content-encoding')).toBeUndefined();
      expect(answer.body).toBe('data: 1\n\n');
      expect(rig.upstream.requests[0]?.head).not.toMatch(/accept-encoding/i);
    },
  );

  it('that the upstream compressed all the same is relayed as it is', async () => {
    const packed = gzipSync('data: 1\n\n');
    await using rig = await startRig({
      answer: ({ socket }) => {
        socket.write(
          `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
        );
        socket.write(packed);
      },
    });
    const answer = await rig.ask(buildGet());
    expect(Buffer.from(answer.body, 'latin1').equals(packed)).toBe(true);
    expect(answer.field('content-encoding')).toBe('gzip');
    expect(answer.field('content-length')).toBe(`${packed.length}`);
  });

  it('that ends in order is never touched, even without a result: the client polls again (2025-11-25)', async () => {
    const priming = 'id: 0\nretry: 500\ndata:\n\n';
    await using rig = await startRig({
      answer: ({ socket }) => void socket.write(`${eventStreamHead}${toChunk(priming)}0\r\n\r\n`),
    });
    const client = await rig.connect();
    for (let count = 1; count <= 2; count++) {
      client.send(buildPost(buildCall()));
      expect((await receive(client, count)).body).toBe(priming);
    }
    expect(rig.upstream.connections).toBe(1);
  });

  it('of a POST, of a GET and a plain answer run side by side', async () => {
    await using rig = await startRig();
    const clients = await Promise.all([rig.connect(), rig.connect(), rig.connect()]);
    const [post, get, plain] = clients;
    post?.send(buildPost(buildCall({ id: 1 })));
    const first = await rig.upstream.next();
    get?.send(buildGet());
    const second = await rig.upstream.next();
    plain?.send(buildPost(buildCall({ id: 3 })));
    const third = await rig.upstream.next();
    first.socket.write(eventStreamHead + toChunk('data: post\n\n'));
    second.socket.write(eventStreamHead + toChunk('data: get\n\n'));
    third.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    if (post === undefined || get === undefined || plain === undefined) throw new Error('three clients');
    expect(await streamed(post, (body) => body !== '')).toBe('data: post\n\n');
    expect(await streamed(get, (body) => body !== '')).toBe('data: get\n\n');
    expect((await receive(plain)).body).toBe('{}');
    expect(rig.gateway.gateway.load.exchanges).toBe(2);
  });
});
