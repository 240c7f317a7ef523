import { describe, expect, it } from 'vitest';
import { connectH2, watch } from '../support/h2-client.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, receive, settle, startRig } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const limits = { bodyBytes: 100_000, allBodiesBytes: 250_000 };
const unfinished = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(90_000)}`;

describe('memory-exhaustion by slow uploads', () => {
  it('bodies of all HTTP/1.1 connections together stay within the budget, and what they held is given back', async () => {
    await using rig = await startRig({ changes: { limits } });
    const clients = await Promise.all(Array.from({ length: 4 }, () => rig.connect()));
    for (const client of clients) client.send(unfinished);
    await eventually(() => rig.gateway.lines.length >= 2, true);
    expect(new Set(rig.gateway.lines.map(({ error }) => error))).toEqual(new Set(['E_OVERLOADED']));
    await eventually(() => clients.filter(({ received }) => received.startsWith('HTTP/1.1 503 ')).length, 2);
    for (const client of clients) client.socket.destroy();
    await rig.idle({ upstreamSockets: 'any' });
    // Twice the budget in turn, each answered before the next: nothing is left counted.
    const client = await rig.connect();
    for (let count = 0; count < 6; count++) {
      client.clear();
      client.send(buildPost(buildCall({ size: 80_000 })));
      (await rig.upstream.next()).socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
      await client.until((text) => text.startsWith('HTTP/1.1 202 '));
    }
  });

  it('a body counts until its request is answered, and bodies over HTTP/2 count too', async () => {
    await using rig = await startRig({ changes: { limits } });
    const waiting = await Promise.all(Array.from({ length: 3 }, () => rig.connect()));
    for (const client of waiting.slice(0, 2)) {
      client.send(buildPost(buildCall({ size: 80_000 })));
      await rig.upstream.next();
    }
    using h2 = await connectH2(rig.gateway);
    const stream = h2.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(stream);
    stream.write(Buffer.alloc(95_000));
    expect((await exchange.head)[':status']).toBe(503);
    stream.close(8);
    for (const client of waiting) client.socket.destroy();
  });

  it.each(['HTTP/1.1', 'HTTP/2'])(
    'one address that fills the budget over %s leaves others room',
    async (protocol) => {
      await using rig = await startRig({ answer: answerJson('{}'), changes: { limits } });
      using h2 = await connectH2(rig.gateway);
      for (let count = 0; count < 2; count++) {
        if (protocol === 'HTTP/1.1') (await rig.connect()).send(unfinished);
        else
          watch(
            h2.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' }),
          ).stream.write(Buffer.alloc(90_000));
      }
      await settle();
      const other = await rig.connect({ localAddress: '127.0.0.2' });
      const request = buildPost(buildCall({ size: 90_000 }));
      other.send(request.slice(0, 60_000));
      await settle();
      other.send(request.slice(60_000));
      expect((await receive(other)).status).toBe(200);
      expect(rig.gateway.lines).toMatchObject([
        { error: 'E_OVERLOADED', client: '127.0.0.1' },
        { status: 200 },
      ]);
    },
  );

  it('a reload gives nobody a second budget', async () => {
    await using rig = await startRig({ changes: { limits } });
    const before = [await rig.connect(), await rig.connect()];
    for (const client of before) client.send(unfinished);
    await settle();
    await rig.gateway.reload([buildRoute(rig.upstream.port)]);
    const after = [await rig.connect(), await rig.connect()];
    for (const client of after) client.send(unfinished);
    await eventually(() => rig.gateway.lines.length, 2);
    expect(rig.gateway.lines.every(({ error }) => error === 'E_OVERLOADED')).toBe(true);
  });

  it('control: one that gives more room is followed by the connections that are open', async () => {
    await using rig = await startRig({ changes: { limits } });
    const clients = await Promise.all(Array.from({ length: 4 }, () => rig.connect()));
    await rig.gateway.reload([buildRoute(rig.upstream.port)], {
      limits: { ...limits, allBodiesBytes: 1_000_000 },
    });
    for (const client of clients) client.send(unfinished);
    for (const client of clients) client.send(' '.repeat(10_000));
    await eventually(() => rig.gateway.lines.length, 4);
    expect(rig.gateway.lines.every(({ error }) => error === 'E_MCP_PARSE')).toBe(true);
  });

  it('control: with room for all, the same uploads wait for their end', async () => {
    await using rig = await startRig({ changes: { limits: { ...limits, allBodiesBytes: 1_000_000 } } });
    const clients = await Promise.all(Array.from({ length: 4 }, () => rig.connect()));
    for (const client of clients) client.send(unfinished);
    await eventually(() => clients.every(({ socket }) => socket.writableLength === 0), true);
    for (const client of clients) client.send(' '.repeat(10_000));
    await eventually(() => rig.gateway.lines.length, 4);
    expect(rig.gateway.lines.every(({ error }) => error === 'E_MCP_PARSE')).toBe(true);
    for (const client of clients) client.socket.destroy();
  });
});
