import { describe, expect, it } from 'vitest';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson, type Answer } from '../support/scripted-upstream.ts';

const call = buildCall({ size: 100_000 });

/** Redirects the first `count` requests to what `locate` says, then answers. */
function redirect(status: number, locate: (port: number, number: number) => string, count = 1): Answer {
  let number = 0;
  return (request) => {
    if (number++ >= count) {
      answerJson('{"done":true}')(request);
      return;
    }
    const port = request.socket.localPort ?? 0;
    request.socket.write(
      `HTTP/1.1 ${status} Moved\r\nLocation: ${locate(port, number)}\r\nContent-Length: 5\r\n\r\nmoved`,
    );
  };
}

function targets(rig: Rig): string[] {
  return rig.upstream.requests.map(({ head }) => head.slice(0, head.indexOf(' HTTP/')));
}

describe('a 307 or 308 within the upstream', () => {
  it.each<[string, (port: number) => string, string]>([
    ['an absolute path', () => '/mcp/', '/mcp/'],
    ['a relative path', () => 'other?x=1', '/other?x=1'],
    ['a query alone', () => '?session=1', '/mcp?session=1'],
    ["the upstream's own URL", (port) => `http://127.0.0.1:${port}/mcp/`, '/mcp/'],
    [
      "the upstream's host with the public scheme, as uvicorn writes it",
      (port) => `https://127.0.0.1:${port}/x`,
      '/x',
    ],
    [
      'the public authority, as a server behind X-Forwarded-Host builds it',
      () => 'https://localhost/mcp/',
      '/mcp/',
    ],
    ['the public authority over http', () => 'http://localhost/mcp/', '/mcp/'],
    ['dots', () => '/a/../mcp/./x', '/mcp/x'],
  ])('to %s is followed here, body and method included', async (_name, locate, target) => {
    for (const status of [307, 308]) {
      await using rig = await startRig({ answer: redirect(status, locate) });
      const answer = await rig.ask(buildPost(call, { fields: 'Mcp-Session-Id: s\r\n' }));
      expect(answer).toMatchObject({ status: 200, body: '{"done":true}' });
      expect(targets(rig)).toEqual(['POST /mcp', `POST ${target}`]);
      const [first, second] = rig.upstream.requests;
      expect(second?.body).toBe(call);
      expect(second?.head.replace(target, '/mcp')).toBe(first?.head);
      expect(rig.upstream.connections).toBe(1);
    }
  });

  it('keeps nothing of the first answer', async () => {
    await using rig = await startRig({ answer: redirect(307, () => '/mcp/') });
    const answer = await rig.ask(buildGet());
    expect(answer.field('location')).toBeUndefined();
    expect(answer.body).not.toContain('moved');
    expect(rig.gateway.lines[0]).toMatchObject({ status: 200, upstream_status: 200 });
  });

  it('whose body ends with its connection is followed on a new one', async () => {
    await using rig = await startRig({
      answer: (request) => {
        if (request.connection > 1) answerJson('{}')(request);
        else request.socket.end('HTTP/1.1 307 Moved\r\nLocation: /mcp/\r\n\r\nmoved');
      },
    });
    expect((await rig.ask(buildPost(call))).body).toBe('{}');
    expect(targets(rig)).toEqual(['POST /mcp', 'POST /mcp/']);
  });

  it('that breaks off in its body is a 502', async () => {
    await using rig = await startRig({
      answer: ({ socket }) =>
        void socket.end('HTTP/1.1 307 Moved\r\nLocation: /mcp/\r\nContent-Length: 9\r\n\r\nmov'),
    });
    expect((await rig.ask(buildPost(call))).status).toBe(502);
    expect(targets(rig)).toEqual(['POST /mcp']);
  });

  it('redirect-loop: is followed three times, then passed on under the public name', async () => {
    await using rig = await startRig({ answer: redirect(307, (_port, number) => `/mcp/${number}`, 9) });
    const answer = await rig.ask(buildPost(call));
    expect(targets(rig)).toEqual(['POST /mcp', 'POST /mcp/1', 'POST /mcp/2', 'POST /mcp/3']);
    expect(answer.status).toBe(307);
    expect(answer.field('location')).toBe('https://localhost/mcp/4');
    expect(answer.body).toBe('moved');
  });
});

describe('any other Location', () => {
  it.each<[string, number, (port: number) => string, (port: number) => string]>([
    ['301 to a path', 301, () => '/mcp/', () => 'https://localhost/mcp'],
    [
      '302 to the upstream',
      302,
      (port) => `http://127.0.0.1:${port}/mcp?x=1`,
      () => 'https://localhost/mcp?x=1',
    ],
    ['303 to another path', 303, () => '/result/1', () => 'https://localhost/result/1'],
    ['201 with one', 201, () => '/mcp/thing', () => 'https://localhost/mcp/thing'],
    ['302 to us over http', 302, () => 'http://localhost/mcp', () => 'https://localhost/mcp'],
    [
      '302 elsewhere',
      302,
      () => 'https://id.example.com/login?x=1',
      () => 'https://id.example.com/login?x=1',
    ],
    ['307 elsewhere', 307, () => 'https://other.example.com/mcp', () => 'https://other.example.com/mcp'],
    ['307 to another port of the same host', 307, () => 'http://127.0.0.1:1/x', () => 'http://127.0.0.1:1/x'],
    ['307 that is no URL', 307, () => 'http://[', () => 'http://['],
  ])('%s is passed on, never followed', async (_name, status, locate, expected) => {
    await using rig = await startRig({ answer: redirect(status, locate) });
    const answer = await rig.ask(buildPost(call));
    expect(answer.status).toBe(status);
    expect(answer.field('location')).toBe(expected(rig.upstream.port));
    expect(answer.body).toBe('moved');
    expect(rig.upstream.requests).toHaveLength(1);
  });

  it('is mapped where the public path differs from the upstream path', async () => {
    await using rig = await startRig({
      path: '/tools/mcp',
      upstreamPath: '/mcp',
      answer: redirect(301, (port) => `http://127.0.0.1:${port}/mcp/`),
    });
    const answer = await rig.ask(buildPost(call, { path: '/tools/mcp' }));
    expect(answer.field('location')).toBe('https://localhost/tools/mcp');
  });
});
