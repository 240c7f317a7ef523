import { describe, expect, it } from 'vitest';
import { buildKeys } from '../support/keys.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, streamed, type Rig, type RigOptions } from '../support/rig.ts';
import { eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';

/** An upstream of revision 2024-11-05 that announces `endpoint` on each GET and takes every POST. */
function announce(endpoint: string, pieces = 1): Answer {
  return ({ head, socket }) => {
    if (head.startsWith('POST')) {
      socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAccepted');
      return;
    }
    const event = `event: endpoint\r\ndata: ${endpoint}\r\n\r\n`;
    socket.write(eventStreamHead);
    const size = Math.ceil(event.length / pieces);
    for (let at = 0; at < event.length; at += size) socket.write(toChunk(event.slice(at, at + size)));
  };
}

/** Opens the stream and returns the address the client is told to post to. */
async function openStream(rig: Rig, path: string, fields = ''): Promise<string | undefined> {
  const client = await rig.connect();
  client.send(buildGet({ path, fields }));
  const body = await streamed(client, (text) => text.includes('\r\n\r\n'));
  expect(body.replace(/data: .*/, 'data: X')).toBe('event: endpoint\r\ndata: X\r\n\r\n');
  return /data: (.*)\r\n/.exec(body)?.[1];
}

async function post(rig: Rig, path: string, fields = ''): Promise<number> {
  return (await rig.ask(buildPost(buildCall(), { path, fields }))).status;
}

describe('the HTTP+SSE transport of revision 2024-11-05', () => {
  it.each<[string, RigOptions, string, string, string]>([
    [
      'same paths',
      { path: '/sse', upstreamPath: '/sse' },
      '/messages/?session_id=1',
      '/messages/?session_id=1',
      '/messages/?session_id=1',
    ],
    [
      'a prefix of ours',
      { path: '/tools/sse', upstreamPath: '/sse' },
      '/messages/?session_id=1',
      '/tools/messages/?session_id=1',
      '/messages/?session_id=1',
    ],
    [
      'a prefix of theirs',
      { path: '/sse', upstreamPath: '/app/sse' },
      '/app/messages?s=1',
      '/messages?s=1',
      '/app/messages?s=1',
    ],
    [
      'a relative address',
      { path: '/x/sse', upstreamPath: '/sse' },
      'message?s=1',
      '/x/message?s=1',
      '/message?s=1',
    ],
    ['dots in it', { path: '/sse', upstreamPath: '/sse' }, '/a/../messages', '/messages', '/messages'],
    [
      'the same path with a query',
      { path: '/x', upstreamPath: '/sse' },
      '/sse?sessionId=1',
      '/x?sessionId=1',
      '/sse?sessionId=1',
    ],
  ])(
    '%s: the announced address is rewritten, and works',
    async (_name, options, endpoint, announced, target) => {
      for (const pieces of [1, 50]) {
        await using rig = await startRig({ ...options, answer: announce(endpoint, pieces) });
        expect(await openStream(rig, options.path ?? '')).toBe(announced);
        expect(await post(rig, announced)).toBe(202);
        expect(rig.upstream.requests.at(-1)?.head).toContain(`POST ${target} HTTP/1.1\r\n`);
        expect(rig.upstream.requests.at(-1)?.body).toBe(buildCall());
        // A path that both transports share cannot tell them apart.
        const revision = announced === '/x?sessionId=1' ? '2025-03-26' : '2024-11-05';
        expect(rig.gateway.lines.at(-1)).toMatchObject({ revision, status: 202 });
      }
    },
  );

  it("rewrites the upstream's own URL, in whichever scheme it writes it", async () => {
    for (const scheme of ['http', 'https']) {
      await using rig = await startRig({
        path: '/sse',
        upstreamPath: '/sse',
        answer: (request) =>
          announce(`${scheme}://127.0.0.1:${request.socket.localPort}/messages?x`)(request),
      });
      expect(await openStream(rig, '/sse')).toBe('/messages?x');
      expect(await post(rig, '/messages?x')).toBe(202);
    }
  });

  it('opens an endpoint that the upstream names under our own authority', async () => {
    await using rig = await startRig({
      path: '/sse',
      upstreamPath: '/sse',
      answer: (request) => {
        const ours = /x-forwarded-host: (\S+)/.exec(request.head)?.[1];
        announce(`https://${ours}/messages?x`)(request);
      },
    });
    expect(await openStream(rig, '/sse')).toBe('/messages?x');
    expect(await post(rig, '/messages?x')).toBe(202);
  });

  it('leaves an address elsewhere alone, and opens nothing for it', async () => {
    await using rig = await startRig({
      path: '/sse',
      upstreamPath: '/sse',
      answer: announce('https://example.com/m'),
    });
    expect(await openStream(rig, '/sse')).toBe('https://example.com/m');
    expect(await post(rig, '/m')).toBe(404);
  });

  it('path-exposure: a path that was not announced stays closed, before and after', async () => {
    await using rig = await startRig({ path: '/sse', upstreamPath: '/sse', answer: announce('/messages/') });
    expect(await post(rig, '/messages/')).toBe(404);
    await openStream(rig, '/sse');
    expect(await post(rig, '/messages/')).toBe(202);
    for (const path of [
      '/messages',
      '/messages/x',
      '/messages//',
      '/Messages/',
      '/message',
      '/%6dessages/',
      '/admin',
    ]) {
      expect([path, await post(rig, path)]).toEqual([path, 404]);
    }
    expect(rig.upstream.requests).toHaveLength(2);
  });

  it('path-exposure: only an upstream opens a path, and only by its endpoint event', async () => {
    const body = 'event: message\ndata: /secret\n\nevent: endpoint\ndata: /late\n\n';
    await using rig = await startRig({
      path: '/sse',
      upstreamPath: '/sse',
      answer: ({ socket }) => void socket.write(eventStreamHead + toChunk(body)),
    });
    const client = await rig.connect();
    client.send(buildGet({ path: '/sse' }));
    expect(await streamed(client, (text) => text.length >= body.length)).toBe(body);
    expect([await post(rig, '/secret'), await post(rig, '/late')]).toEqual([404, 404]);
  });

  it('keeps at most 64 announced paths, the newest', async () => {
    let number = 0;
    await using rig = await startRig({
      path: '/sse',
      upstreamPath: '/sse',
      answer: (request) => announce(`/m/${request.head.startsWith('GET') ? ++number : 0}`)(request),
    });
    for (let count = 1; count <= 66; count++) await openStream(rig, '/sse');
    expect(await Promise.all(['/m/1', '/m/2', '/m/3', '/m/66'].map((path) => post(rig, path)))).toEqual([
      404, 404, 202, 202,
    ]);
  });

  it('the announced path wants the same key as its stream', async () => {
    const { auth, key } = buildKeys();
    await using rig = await startRig({
      path: '/sse',
      upstreamPath: '/sse',
      auth,
      answer: announce('/messages'),
    });
    const fields = `Authorization: Bearer ${key}\r\n`;
    const announced = (await openStream(rig, '/sse', fields)) ?? '';
    expect(await post(rig, announced)).toBe(401);
    expect(await post(rig, announced, fields)).toBe(202);
    expect(rig.upstream.bytes).not.toContain(key);
  });

  it('does not touch the GET stream of a session of later revisions', async () => {
    await using rig = await startRig({ path: '/x/mcp', upstreamPath: '/mcp', answer: announce('/messages') });
    expect(await openStream(rig, '/x/mcp', 'Mcp-Session-Id: s\r\n')).toBe('/messages');
    expect(await post(rig, '/x/messages')).toBe(404);
  });
});
