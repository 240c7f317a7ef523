import { describe, expect, it } from 'vitest';
import type { ReceivedAnswer } from '../support/answers.ts';
import { connectH2 } from '../support/h2-client.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall, buildModern } from '../support/messages.ts';
import { buildPost, type RawClient } from '../support/raw-client.ts';
import { oneServer } from '../support/routes.ts';
import {
  eventually,
  receive,
  settle,
  startRig,
  streamed,
  type Rig,
  type RigOptions,
} from '../support/rig.ts';
import {
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
} from '../support/scripted-upstream.ts';
import { buildTwoCallers } from '../support/two-callers.ts';
import { toRule } from '../auth/rules/callers.ts';

const comment = ': keepalive\n\n';
/** Ten seconds, and up to half a second until the next sweep. */
const silence = 10_500;
const keepAlive = { json: 10_000 };

const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const toEvent = (json: string): string => `event: message\ndata: ${json}\n\n`;

function toError(reason: string, message: string, code = -31502, id: number | string = 1): string {
  return toEvent(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data: { reason } } }));
}

function toAnswer(status: string, body: string, type = 'application/json'): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

interface Waiting extends AsyncDisposable {
  readonly rig: Rig;
  readonly clock: ManualClock;
  readonly client: RawClient;
  /** The call at the upstream, which has not answered. */
  readonly request: ReceivedRequest;
  readonly pass: (milliseconds: number) => Promise<void>;
  /** The whole answer to the client. */
  answer(): Promise<ReceivedAnswer>;
}

async function startWaiting(
  options: RigOptions & { readonly post?: string; readonly silentFor?: number } = {},
): Promise<Waiting> {
  const { post = buildPost(buildCall()), silentFor = silence, changes, ...rest } = options;
  const clock = new ManualClock();
  const rig = await startRig({ clock, changes: { keepAlive, ...changes }, ...rest });
  const client = await rig.connect();
  client.send(post);
  const request = await rig.upstream.next();
  const pass = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds);
    await settle();
  };
  await pass(silentFor);
  return {
    rig,
    clock,
    client,
    request,
    pass,
    answer: () => receive(client),
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

describe('a call whose server is silent', () => {
  it('gets the head of an event stream and a comment after the time, and one each heartbeat', async () => {
    await using waiting = await startWaiting({ silentFor: 9500 });
    const { client, pass } = waiting;
    expect(client.received).toBe('');
    await pass(1000);
    expect(await streamed(client, (body) => body !== '')).toBe(comment);
    expect(client.received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    await pass(14_000);
    expect(await streamed(client, () => true)).toBe(comment);
    await pass(1000);
    expect(await streamed(client, (body) => body.length > comment.length)).toBe(comment.repeat(2));
    waiting.request.socket.write(toAnswer('200 OK', result));
    const answer = await waiting.answer();
    expect(answer.body).toBe(comment.repeat(2) + toEvent(result));
    expect(answer.field('content-type')).toBe('text/event-stream');
    expect(answer.field('cache-control')).toBe('no-cache, no-transform');
    expect(answer.field('x-accel-buffering')).toBe('no');
    expect(answer.field('date')).toBeDefined();
    expect(answer.field('content-length')).toBeUndefined();
  });

  it('control: waits in silence when the option is off', async () => {
    await using waiting = await startWaiting({ changes: { keepAlive: { json: undefined } } });
    await waiting.pass(600_000);
    expect(waiting.client.received).toBe('');
    waiting.request.socket.write(toAnswer('200 OK', result));
    const answer = await waiting.answer();
    expect(answer.body).toBe(result);
    expect(answer.field('content-type')).toBe('application/json');
  });

  it('is answered as ever when the server is not silent for so long', async () => {
    await using waiting = await startWaiting({ silentFor: 9500 });
    waiting.request.socket.write(toAnswer('200 OK', result));
    expect((await waiting.answer()).body).toBe(result);
    await waiting.pass(60_000);
    expect(waiting.rig.gateway.lines[0]).not.toHaveProperty('deferred');
  });

  it('stays as it is once the head has come, however long the body takes', async () => {
    await using waiting = await startWaiting({ silentFor: 0 });
    waiting.request.socket.write(toAnswer('200 OK', result).slice(0, -2));
    await waiting.client.until((text) => text.includes('jsonrpc'));
    await waiting.pass(60_000);
    waiting.request.socket.write(result.slice(-2));
    expect((await waiting.answer()).body).toBe(result);
  });

  it.each([
    ['initialize', buildPost('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}')],
    ['a notification', buildPost('{"jsonrpc":"2.0","method":"notifications/initialized"}')],
    ['a batch', buildPost(`[${buildCall()}]`, { fields: 'MCP-Protocol-Version: 2025-03-26\r\n' })],
    ['a client of JSON alone', buildPost(buildCall()).replace(', text/event-stream', '')],
    ['a GET', 'GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n'],
  ])('is not deferred for %s: its own head and session id get through', async (_name, post) => {
    await using waiting = await startWaiting({ post, silentFor: 60_000 });
    expect(waiting.client.received).toBe('');
    waiting.request.socket.write(
      'HTTP/1.1 200 OK\r\nMcp-Session-Id: s1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
    );
    const answer = await waiting.answer();
    expect(answer.body).toBe('{}');
    // That of a session which may have to begin again is sealed.
    expect(answer.field('mcp-session-id')).toMatch(/^(?:s1|[\w-]{60,})$/);
  });

  it('says so in its record, with the status of both sides', async () => {
    await using waiting = await startWaiting();
    waiting.request.socket.write(toAnswer('200 OK', result));
    const { body } = await waiting.answer();
    expect(waiting.rig.gateway.lines).toHaveLength(1);
    expect(waiting.rig.gateway.lines[0]).toMatchObject({
      status: 200,
      upstream_status: 200,
      stream: true,
      deferred: true,
      rpc: 'tools/call',
      bytes_out: body.length,
      duration_ms: 10_500,
    });
  });

  it('keeps its connection for the next call, and the next one is answered as JSON', async () => {
    await using waiting = await startWaiting();
    waiting.request.socket.write(toAnswer('200 OK', result));
    await waiting.answer();
    waiting.client.send(buildPost(buildCall({ id: 2 })));
    const next = await waiting.rig.upstream.next();
    expect(next.connection).toBe(1);
    next.socket.write(toAnswer('200 OK', '{}'));
    expect((await receive(waiting.client, 2)).body).toBe('{}');
  });

  it('has the CORS fields of its page', async () => {
    const origin = 'https://app.example.com';
    const post = buildPost(buildCall(), { fields: `Origin: ${origin}\r\n` });
    await using waiting = await startWaiting({ post, changes: { origins: [origin] } });
    waiting.request.socket.write(toAnswer('200 OK', result));
    expect((await waiting.answer()).field('access-control-allow-origin')).toBe(origin);
  });

  it('over HTTP/2 is the same', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, changes: { keepAlive } });
    using client = await connectH2(rig.gateway);
    const { body, fields } = buildModern('tools/call', { id: 'm', name: 'echo' });
    const lines = fields.split('\r\n').filter((line) => line !== '');
    const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ')));
    const exchange = client.post(body, { accept: 'application/json, text/event-stream', ...headers });
    const { socket } = await rig.upstream.next();
    clock.advance(silence);
    expect(await exchange.head).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream' });
    await exchange.until((text) => text === comment);
    const own = result.replace('"id":1', '"id":"m"');
    socket.write(toAnswer('200 OK', own));
    expect(await exchange.closed()).toMatchObject({ ended: true });
    expect(exchange.body).toBe(comment + toEvent(own));
  });
});

describe('what comes late', () => {
  const cases: readonly (readonly [name: string, answer: string, told: string])[] = [
    [
      'JSON on many lines',
      toAnswer('200 OK', '{\r\n  "id": 1,\n\n  "result": {}\r}\n'),
      'event: message\ndata: {\ndata:   "id": 1,\ndata: \ndata:   "result": {}\ndata: }\ndata: \n\n',
    ],
    [
      'an error status with the error of JSON-RPC',
      toAnswer('400 Bad Request', '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}'),
      toEvent('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}'),
    ],
    [
      'an error for nobody, as for a session that is over',
      toAnswer('404 Not Found', '{"jsonrpc":"2.0","error":{"code":-32001,"message":"gone"},"id":null}'),
      toEvent('{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"gone"}}'),
    ],
    [
      'a page',
      toAnswer('502 Bad Gateway', '<html></html>', 'text/html'),
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 502'),
    ],
    [
      'JSON of another protocol',
      toAnswer('401 Unauthorized', '{"error":"invalid_token"}'),
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 401'),
    ],
    [
      '202 and nothing',
      'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n',
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 202'),
    ],
    [
      '204',
      'HTTP/1.1 204 No Content\r\n\r\n',
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 204'),
    ],
    [
      'the answer to another request',
      toAnswer('200 OK', result.replace('"id":1', '"id":2')),
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 200'),
    ],
    [
      'JSON that is compressed',
      toAnswer('200 OK', result).replace('\r\n\r\n', '\r\nContent-Encoding: gzip\r\n\r\n'),
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 200'),
    ],
    [
      'an error that is too long',
      toAnswer('500 Oops', JSON.stringify({ error: 'x'.repeat(300_000) })),
      toError('E_UPSTREAM_NO_MESSAGE', 'what the MCP server sent late is no answer to the request: HTTP 500'),
    ],
    [
      'what is no HTTP',
      'SSH-2.0-OpenSSH_9.9\r\n\r\n',
      toError('E_UPSTREAM_BAD_RESPONSE', "the MCP server's answer is not valid HTTP"),
    ],
  ];
  it.each(cases)('is told the client, whose request ends: %s', async (_name, answer, told) => {
    await using waiting = await startWaiting();
    waiting.request.socket.write(answer);
    const { body, complete } = await waiting.answer();
    expect(complete).toBe(true);
    expect(body).toBe(comment + told);
    await waiting.client.until(() => waiting.rig.gateway.lines.length === 1);
    const code = /E_\w+/.exec(told)?.[0];
    expect(waiting.rig.gateway.lines[0]?.['error']).toBe(code);
  });

  it('passes when it is long, and its reader keeps the pace', async () => {
    await using waiting = await startWaiting();
    const long = `{"jsonrpc":"2.0","id":1,"result":{"text":"${'x'.repeat(40 * 1024 * 1024)}"}}`;
    waiting.client.socket.pause();
    waiting.request.socket.write(toAnswer('200 OK', long));
    await settle();
    // What does not fit between the two stays with the upstream.
    expect(waiting.request.socket.writableLength).toBeGreaterThan(10 * 1024 * 1024);
    waiting.client.socket.resume();
    await waiting.client.until((text) => text.length > long.length && text.endsWith('0\r\n\r\n'));
    const { body } = await waiting.answer();
    expect(body === comment + toEvent(long)).toBe(true);
  });

  it('as events passes byte for byte, with comments between them', async () => {
    await using waiting = await startWaiting();
    const { socket } = waiting.request;
    const progress = 'id: 1\r\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\r\n\r\n';
    socket.write(eventStreamHead + toChunk(progress));
    await streamed(waiting.client, (body) => body === comment + progress);
    await waiting.pass(15_500);
    socket.write(`${toChunk(toEvent(result))}0\r\n\r\n`);
    expect((await waiting.answer()).body).toBe(comment + progress + comment + toEvent(result));
    expect(waiting.rig.gateway.lines[0]).toMatchObject({ upstream_status: 200, deferred: true });
  });

  it('from behind a redirect within the server is that of its end', async () => {
    await using waiting = await startWaiting();
    waiting.request.socket.write(
      'HTTP/1.1 307 Temporary Redirect\r\nLocation: /mcp/\r\nContent-Length: 0\r\n\r\n',
    );
    const { socket, head } = await waiting.rig.upstream.next();
    expect(head).toMatch(/^POST \/mcp\/ /);
    await waiting.pass(15_500);
    socket.write(toAnswer('200 OK', result));
    expect((await waiting.answer()).body).toBe(comment + comment + toEvent(result));
  });

  it('comes to a call that is held whole: comments go on until it is', async () => {
    await using waiting = await startWaiting();
    const { socket } = waiting.request;
    const text = toAnswer('200 OK', result);
    socket.write(text.slice(0, -10));
    await settle();
    await waiting.pass(15_500);
    expect(await streamed(waiting.client, () => true)).toBe(comment.repeat(2));
    socket.write(text.slice(-10));
    expect((await waiting.answer()).body).toBe(comment.repeat(2) + toEvent(result));
  });
});

describe('a deferred call', () => {
  it.each([
    ['before its head', '', 'E_UPSTREAM_CLOSED', 'the MCP server closed the connection before it answered'],
    [
      'in its body',
      toAnswer('200 OK', result).slice(0, -5),
      'E_UPSTREAM_BROKE_OFF',
      'the MCP server broke off its answer',
    ],
  ])('whose server breaks off %s gets an error with its id', async (_name, sent, reason, message) => {
    await using waiting = await startWaiting();
    waiting.request.socket.end(sent);
    const { body, complete } = await waiting.answer();
    expect(complete).toBe(true);
    expect(body).toBe(comment + toError(reason, message));
    expect(waiting.rig.gateway.lines[0]).toMatchObject({ status: 200, error: reason, deferred: true });
  });

  it('whose long answer breaks off gets an error, and the half event is nobody’s message', async () => {
    await using waiting = await startWaiting();
    const long = `{"jsonrpc":"2.0","id":1,"result":{"text":"${'x'.repeat(300_000)}"}}`;
    waiting.request.socket.end(toAnswer('200 OK', long).slice(0, -5));
    const { body } = await waiting.answer();
    const error = toError('E_UPSTREAM_BROKE_OFF', 'the MCP server broke off its answer');
    expect(body.endsWith(`xxx\nevent: breakwater-cut\n\n${error}`)).toBe(true);
  });

  it('whose server does not even take the connection gets an error with its id', async () => {
    const upstream = await startScriptedUpstream();
    const clock = new ManualClock();
    // It never answers the handshake.
    const target = { kind: 'tcp', secure: true, host: '127.0.0.1', port: upstream.port, path: '/' } as const;
    const route = { host: undefined, path: '/mcp', ...oneServer(target), rules: undefined } as const;
    const routes = [{ ...route, auth: { kind: 'none' }, credentials: { kind: 'none' } }] as const;
    await using rig = await startRig({ clock, changes: { keepAlive: { json: 1000 }, routes } });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    await eventually(() => upstream.connections, 1);
    clock.advance(1500);
    await streamed(client, (body) => body === comment);
    clock.advance(4000);
    const { body } = await receive(client);
    const message = 'the MCP server did not accept the connection in time';
    expect(body).toBe(comment + toError('E_UPSTREAM_TIMEOUT', message, -31504));
    await upstream.stop();
  });

  it('is given up at the upstream when its client goes', async () => {
    await using waiting = await startWaiting();
    await streamed(waiting.client, (body) => body === comment);
    waiting.client.reset();
    await waiting.rig.idle();
    expect(waiting.rig.gateway.lines[0]).toMatchObject({ status: 200, deferred: true });
    await waiting.pass(60_000);
  });

  it('control: its upstream goes on as long as the client is there', async () => {
    await using waiting = await startWaiting();
    await settle();
    expect(waiting.rig.upstream.openSockets).toBe(1);
  });

  it('finishes when the gateway shuts down, and begins during it', async () => {
    await using waiting = await startWaiting({ silentFor: 5000, changes: { timeouts: { drain: 30_000 } } });
    void waiting.rig.gateway.gateway.shutdown();
    await settle();
    await waiting.pass(5500);
    expect(await streamed(waiting.client, (body) => body !== '')).toBe(comment);
    waiting.request.socket.write(toAnswer('200 OK', result));
    expect((await waiting.answer()).body).toBe(comment + toEvent(result));
  });

  it('that outlasts the shutdown ends with an error of its id', async () => {
    await using waiting = await startWaiting({ changes: { timeouts: { drain: 20_000 } } });
    void waiting.rig.gateway.gateway.shutdown();
    await settle();
    await waiting.pass(20_500);
    const { body, complete } = await waiting.answer();
    expect(complete).toBe(true);
    expect(body).toContain('"id":1,"error"');
    expect(body).toContain('"reason":"E_DRAINING"');
  });

  it('is looked for until the shutdown is over, and no timer is left then', async () => {
    const clock = new ManualClock();
    const rig = await startRig({ clock, changes: { keepAlive } });
    expect(clock.pending).toBeGreaterThan(0);
    await rig[Symbol.asyncDispose]();
    clock.advance(silence);
    expect(clock.pending).toBe(0);
  });

  it('of subscriptions/listen is complete when the gateway shuts down', async () => {
    const listen = buildModern('subscriptions/listen', { id: 'l' });
    await using waiting = await startWaiting({ post: buildPost(listen.body, { fields: listen.fields }) });
    await streamed(waiting.client, (body) => body === comment);
    void waiting.rig.gateway.gateway.shutdown();
    const { body } = await waiting.answer();
    expect(body).toContain('"id":"l","result":{"resultType":"complete"');
  });
});

describe('under rules, a late list', () => {
  const { auth, alice } = buildTwoCallers();
  const rules = [toRule('allow', { tools: ['read_*'] })];
  const toTools = (...names: readonly string[]): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: names.map((name) => ({ name })) } });
  const post = buildPost('{"jsonrpc":"2.0","id":1,"method":"tools/list"}', { fields: alice });
  const ask = (): Promise<Waiting> => startWaiting({ post, auth, rules });
  const whole = toTools('read_one', 'write_secret');

  it('loses what the caller may not see, on one line or many', async () => {
    await using waiting = await ask();
    waiting.request.socket.write(toAnswer('200 OK', whole));
    expect((await waiting.answer()).body).toBe(comment + toEvent(toTools('read_one')));
    await using other = await ask();
    const lines = JSON.stringify(JSON.parse(whole), undefined, 2).replaceAll('\n', '\r\n');
    other.request.socket.write(toAnswer('200 OK', lines));
    const { body } = await other.answer();
    expect(body).toContain('read_one');
    expect(body).not.toContain('secret');
    const data = [...body.matchAll(/^data: (.*)$/gm)].map(([, line]) => line).join('\n');
    expect(JSON.parse(data)).toEqual(JSON.parse(toTools('read_one')));
  });

  it('loses it in the events of the server too', async () => {
    await using waiting = await ask();
    waiting.request.socket.write(`${eventStreamHead}${toChunk(toEvent(whole))}0\r\n\r\n`);
    expect((await waiting.answer()).body).toBe(comment + toEvent(toTools('read_one')));
  });

  it('that is longer than what is looked at loses it as well, and comments go on until it is whole', async () => {
    await using waiting = await ask();
    const names = Array.from({ length: 20_000 }, (_, at) => `write_secret_${at}`);
    const answer = toAnswer('200 OK', toTools('read_one', ...names));
    waiting.request.socket.write(answer.slice(0, -10));
    await settle();
    for (let seconds = 0; seconds < 20; seconds += 5) {
      await waiting.pass(5000);
      // A little comes all the time, and the client must not be left in silence for it.
      waiting.request.socket.write(answer.slice(-10 + seconds / 5, -9 + seconds / 5));
      await settle();
    }
    expect(await streamed(waiting.client, () => true)).toBe(comment.repeat(2));
    waiting.request.socket.write(answer.slice(-6));
    expect((await waiting.answer()).body).toBe(comment.repeat(2) + toEvent(toTools('read_one')));
  });

  it.each([
    ['cannot be read', toAnswer('200 OK', whole.replace('"tools":', '"TOOLS":'))],
    ['is longer than 8 MiB', toAnswer('200 OK', toTools('x'.repeat(8 * 1024 * 1024)))],
  ])('that %s is not told', async (_name, answer) => {
    await using waiting = await ask();
    waiting.request.socket.write(answer);
    const { body } = await waiting.answer();
    expect(body).toContain('"id":1,"error"');
    expect(body).toContain('E_UPSTREAM_BAD_RESPONSE');
    expect(body).not.toContain('secret');
  });
});

describe('in a session of its own name, a late answer', () => {
  it('tells no other name, and the session goes on', async () => {
    const { auth, alice } = buildTwoCallers();
    const clock = new ManualClock();
    await using rig = await startRig({ auth, clock, changes: { keepAlive } });
    const client = await rig.connect();
    client.send(buildPost('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}', { fields: alice }));
    const named = toAnswer('200 OK', '{}').replace('\r\n\r\n', '\r\nMcp-Session-Id: 4f1c0ffee\r\n\r\n');
    (await rig.upstream.next()).socket.write(named);
    const session = (await receive(client)).field('mcp-session-id') ?? '';
    const fields = `${alice}Mcp-Session-Id: ${session}\r\n`;
    for (const [count, own] of [
      [2, '4f1c0ffee'],
      [3, 'another'],
    ] as const) {
      client.send(buildPost(buildCall(), { fields }));
      const { head, socket } = await rig.upstream.next();
      expect(head.toLowerCase()).toContain('mcp-session-id: 4f1c0ffee\r\n');
      clock.advance(silence);
      await streamed(client, (body) => body === comment);
      const answer = toAnswer('200 OK', result);
      socket.write(answer.replace('\r\n\r\n', `\r\nMcp-Session-Id: ${own}\r\n\r\n`));
      const late = await receive(client, count);
      expect(late.body).toBe(comment + toEvent(result));
      expect(late.field('mcp-session-id')).toBeUndefined();
    }
    expect(client.received).not.toMatch(/4f1c0ffee|another/);
  });
});
