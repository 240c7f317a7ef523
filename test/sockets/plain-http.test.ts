import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { readFinalAnswers, type ReceivedAnswer } from '../support/answers.ts';
import { buildCall } from '../support/messages.ts';
import { findFreePort } from '../support/programs.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

interface PlainRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly port: number;
  /** Sends one request to the plain port and resolves with the answer and whether the connection closed after it. */
  ask(request: string): Promise<{ readonly answer: ReceivedAnswer; readonly closed: boolean }>;
}

async function startPlain(): Promise<PlainRig> {
  const port = await findFreePort();
  const rig = await startRig({
    answer: answerJson('{}'),
    changes: { plainHttp: { host: '127.0.0.1', port }, domains: ['mcp.example.test'] },
  });
  return {
    rig,
    port,
    async ask(request) {
      const socket = connect({ host: '127.0.0.1', port });
      let text = '';
      let closed = false;
      socket.on('data', (bytes) => (text += bytes.toString('latin1')));
      socket.on('end', () => (closed = true));
      socket.write(request);
      const isWhole = (): boolean =>
        request.startsWith('HEAD') ? text.includes('\r\n\r\n') : readFinalAnswers(text)[0]?.complete === true;
      await expect.poll(isWhole, { interval: 2 }).toBe(true);
      for (let turn = 0; turn < 20 && !closed; turn++)
        await new Promise((resolve) => void setImmediate(resolve));
      socket.destroy();
      const [answer] = readFinalAnswers(text);
      if (answer === undefined) throw new Error('no answer');
      return { answer, closed };
    },
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

const get = (path: string, fields = '', host = 'mcp.example.test'): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;

describe('the plain-HTTP port', () => {
  it.each([
    ['/', 'mcp.example.test', '/'],
    ['/mcp?x=1&y=//', 'mcp.example.test:8080', '/mcp?x=1&y=//'],
    ['/deep/%2e%2e/x', 'MCP.example.test', '/deep/%2e%2e/x'],
    ['//evil.example/x', 'mcp.example.test', '//evil.example/x'],
    ['/@evil.example', 'mcp.example.test', '/@evil.example'],
  ])('redirects the page %s of %s to the same place over https', async (path, host, target) => {
    await using plain = await startPlain();
    for (const method of ['GET', 'HEAD']) {
      const { answer } = await plain.ask(get(path, '', host).replace('GET', method));
      expect(answer.status).toBe(308);
      expect(answer.field('location')).toBe(`https://mcp.example.test:${plain.rig.gateway.port}${target}`);
      expect(new URL(answer.field('location') ?? '').hostname).toBe('mcp.example.test');
      expect(answer.field('strict-transport-security')).toBeUndefined();
    }
  });

  it.each([
    'evil.example',
    'mcp.example.test.evil.example',
    'mcp.example.test@evil.example',
    '[::2]',
    'evil.example:80',
  ])('open-redirect: a page of %s is refused, not redirected', async (host) => {
    await using plain = await startPlain();
    const { answer } = await plain.ask(get('/', '', host));
    expect([400, 421]).toContain(answer.status);
    expect(answer.field('location')).toBeUndefined();
  });

  it.each([
    ['a POST', buildPost(buildCall()).replace('localhost', 'mcp.example.test')],
    ['a POST elsewhere', buildPost(buildCall(), { path: '/x' }).replace('localhost', 'mcp.example.test')],
    ['a DELETE', get('/mcp').replace('GET', 'DELETE')],
    ['OPTIONS', get('/mcp').replace('GET', 'OPTIONS')],
    ['a GET with a token', get('/mcp', 'Authorization: Bearer x\r\n')],
    ['a GET of a stream', get('/mcp', 'Accept: text/event-stream\r\n')],
    ['a GET of a stream among others', get('/mcp', 'Accept: application/json, text/event-stream\r\n')],
    ['a GET of a stream in a second field', get('/mcp', 'Accept: */*\r\nAccept: text/event-stream\r\n')],
    ['a GET of a stream in capitals', get('/mcp', 'Accept: Text/Event-Stream\r\n')],
  ])(
    'token-in-clear: %s is refused and the connection closed, so that no client learns to come here',
    async (_name, request) => {
      await using plain = await startPlain();
      const { answer, closed } = await plain.ask(request);
      expect(answer.status).toBe(403);
      expect(answer.body).toBe('E_PLAIN_HTTP: this endpoint is served over HTTPS only\n');
      expect(answer.field('location')).toBeUndefined();
      expect(closed).toBe(true);
      expect(plain.rig.upstream.connections).toBe(0);
    },
  );

  it('answers health checks and refuses what is not strict HTTP', async () => {
    await using plain = await startPlain();
    for (const path of ['/healthz', '/readyz']) {
      const { answer } = await plain.ask(get(path, '', '10.0.0.1'));
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ status: 'ok' });
    }
    expect((await plain.ask('GET / HTTP/1.1\nHost: x\n\n')).answer.status).toBe(400);
    expect((await plain.ask('GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n')).answer.status).toBe(400);
  });

  it('stops with the gateway', async () => {
    const plain = await startPlain();
    await plain.ask(get('/'));
    await plain[Symbol.asyncDispose]();
    const socket = connect({ host: '127.0.0.1', port: plain.port });
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED');
  });
});
