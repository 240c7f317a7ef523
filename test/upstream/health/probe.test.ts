import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { startProbe, type HealthCheck } from '../../../src/upstream/health/probe.ts';
import type { ProbeResult } from '../../../src/upstream/health/probe-connection.ts';
import type { UpstreamTarget } from '../../../src/upstream/target.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type Answer,
  type ScriptedUpstreamOptions,
} from '../../support/scripted-upstream.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const readBuffer = Buffer.alloc(4096);
const tcp: HealthCheck = { kind: 'tcp' };
const http: HealthCheck = { kind: 'http', path: '/ready' };
const discover: HealthCheck = { kind: 'discover' };
const passed: ProbeResult = { kind: 'passed' };
const everyKind = [tcp, http, discover];

function ask(check: HealthCheck, target: UpstreamTarget, timeout = 2000): Promise<ProbeResult> {
  return new Promise((resolve) => {
    startProbe(check, { target, timeout, clock: systemClock, readBuffer }, resolve);
  });
}

function at(port: number, changes: Partial<UpstreamTarget & { kind: 'tcp' }> = {}): UpstreamTarget {
  return { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp', ...changes };
}

/** What the check says of a server that answers like this, and what the server saw. */
async function judge(
  check: HealthCheck,
  answer: Answer | undefined,
  options: ScriptedUpstreamOptions & { timeout?: number } = {},
): Promise<{ result: ProbeResult; heads: string[]; bodies: string[] }> {
  const upstream = await startScriptedUpstream(answer, options);
  const result = await ask(check, at(upstream.port), options.timeout);
  const heads = upstream.requests.map(({ head }) => head);
  const bodies = upstream.requests.map(({ body }) => body);
  const gone = await until(() => upstream.openSockets === 0);
  expect(gone, 'the probe leaves its connection open').toBeLessThan(5000);
  await upstream.stop();
  return { result, heads, bodies };
}

function say(head: string, body = ''): Answer {
  return ({ socket }) =>
    void socket.write(`HTTP/1.1 ${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  await new Promise((resolve) => void server.close(resolve));
  return port;
}

describe.each(everyKind)('every probe ($kind)', (check) => {
  it('finds that nobody listens', async () => {
    const result = await ask(check, at(await freePort()));
    expect(result).toEqual({ kind: 'failed', reason: 'refuses connections' });
  });

  it('finds that a name is not known', async () => {
    const result = await ask(check, at(80, { host: 'nobody.invalid' }));
    expect(result).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('has a name that') as string,
    });
  });

  it('passes a good server, never sends `initialize`, and closes its connection', async () => {
    const { result, heads, bodies } = await judge(check, answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    expect(result).toEqual(passed);
    expect(heads).toHaveLength(check.kind === 'tcp' ? 0 : 1);
    expect(heads.concat(bodies).join()).not.toContain('initialize');
  });

  it('goes to the address of the target and says its name', async () => {
    const upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'), {
      host: '127.0.0.7',
    });
    const target = at(upstream.port, { host: 'backend.invalid', address: '127.0.0.7' });
    expect(await ask(check, target)).toEqual(passed);
    if (check.kind !== 'tcp')
      expect(upstream.requests[0]?.head).toContain(`\r\nhost: backend.invalid:${upstream.port}\r\n`);
    await upstream.stop();
  });

  it('reaches a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bw-'));
    const socketPath = join(folder, 's');
    const target: UpstreamTarget = { kind: 'unix', socketPath, path: '/mcp' };
    expect(await ask(check, target)).toEqual({ kind: 'failed', reason: 'has a socket that does not exist' });
    const upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'), {
      socketPath,
    });
    expect(await ask(check, target)).toEqual(passed);
    await upstream.stop();
    await rm(folder, { recursive: true });
  });

  it('tells nobody when it is cancelled', async () => {
    const upstream = await startScriptedUpstream();
    let told = 0;
    const options = { target: at(upstream.port), timeout: 50, clock: systemClock, readBuffer };
    const probe = startProbe(check, options, () => told++);
    probe.cancel();
    probe.cancel();
    await ask(http, at(upstream.port), 100);
    expect(told).toBe(0);
    await upstream.stop();
  });
});

describe('a probe whose time is over', () => {
  const result = '{"jsonrpc":"2.0","id":1,"result":{}}';

  it('takes what had come in time, because a process that is busy reads late', async () => {
    const clock = new ManualClock();
    const upstream = await startScriptedUpstream((request) => {
      answerJson(result)(request);
      clock.advance(3000);
    });
    const options = { target: at(upstream.port), timeout: 2000, clock, readBuffer };
    expect(await new Promise((resolve) => startProbe(discover, options, resolve))).toEqual(passed);
    await upstream.stop();
  });

  it('control: has failed where nothing had come', async () => {
    const clock = new ManualClock();
    const upstream = await startScriptedUpstream(() => clock.advance(3000));
    const options = { target: at(upstream.port), timeout: 2000, clock, readBuffer };
    const failed = { kind: 'failed', reason: 'gives no answer within 2s' };
    expect(await new Promise((resolve) => startProbe(discover, options, resolve))).toEqual(failed);
    await upstream.stop();
  });
});

describe('a probe over HTTP', () => {
  it('asks for its path', async () => {
    const { heads } = await judge(http, say('200 OK', 'fine'));
    expect(heads[0]).toMatch(
      /^GET \/ready HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nuser-agent: breakwater\r\n/,
    );
  });

  it.each(['200 OK', '204 No Content', '302 Found', '399 Odd'])('passes %s', async (status) => {
    expect((await judge(http, say(status))).result).toEqual(passed);
  });

  it.each(['400 Bad Request', '404 Not Found', '500 Internal Server Error', '503 Service Unavailable'])(
    'fails %s',
    async (status) => {
      const reason = `answers \`GET /ready\` with ${status.slice(0, 3)}`;
      expect((await judge(http, say(status))).result).toEqual({ kind: 'failed', reason });
    },
  );

  it('waits for the end of the answer, up to a size', async () => {
    const half: Answer = ({ socket }) =>
      void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    const hangs = { kind: 'failed', reason: 'gives no answer within 100ms' };
    expect((await judge(http, half, { timeout: 100 })).result).toEqual(hangs);
    const endless: Answer = ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n');
      socket.write(Buffer.alloc(100_000));
    };
    expect((await judge(http, endless)).result).toEqual(passed);
    const stream: Answer = ({ socket }) => void socket.write(eventStreamHead);
    expect((await judge(http, stream)).result).toEqual(passed);
  });
});

describe('a probe with `server/discover`', () => {
  it('is a request of 2026-07-28', async () => {
    const { heads, bodies } = await judge(discover, answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'));
    const [head = ''] = heads;
    expect(head).toMatch(/^POST \/mcp HTTP\/1\.1\r\n/);
    expect(head).toContain('\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: server/discover\r\n');
    expect(head).toContain('\r\naccept: application/json, text/event-stream\r\n');
    expect(JSON.parse(bodies[0] ?? '')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      method: 'server/discover',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
  });

  const unknownMethod = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}';
  const noSession = '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No valid session ID"}}';
  it.each<[string, Answer]>([
    ['a server that does not know it', say('404 Not Found', unknownMethod)],
    ['the same with 200', say('200 OK', unknownMethod)],
    ['a server that wants a session', say('400 Bad Request', noSession)],
    ['a server that wants a login', say('401 Unauthorized', '{"error":"invalid_token"}')],
    ['an event stream', ({ socket }) => void socket.write(eventStreamHead)],
    [
      'an event stream with its answer',
      ({ socket }) => void socket.write(eventStreamHead + toChunk(': \n\n')),
    ],
  ])('passes %s', async (_what, answer) => {
    expect((await judge(discover, answer)).result).toEqual(passed);
  });

  it.each<[string, Answer, string]>([
    ['a 500', say('500 Internal Server Error', unknownMethod), 'with 500'],
    ['a 502 of something before it', say('502 Bad Gateway', '<html>'), 'with 502'],
    ['a page', say('200 OK', '<html>hello</html>'), 'with 200 and no JSON-RPC message'],
    ['other JSON', say('200 OK', '{"status":"ok"}'), 'with 200 and no JSON-RPC message'],
    ['JSON-RPC that answers nothing', say('200 OK', '{"jsonrpc":"2.0","method":"x"}'), 'no JSON-RPC message'],
    ['no body', say('202 Accepted'), 'with 202 and no JSON-RPC message'],
    [
      'what is not HTTP',
      ({ socket }) => void socket.write('SSH-2.0-x\r\n\r\n'),
      'answers what is not HTTP/1.1',
    ],
    ['a reset', ({ socket }) => void socket.resetAndDestroy(), 'resets the connection'],
    ['an end', ({ socket }) => void socket.end(), 'closes the connection without an answer'],
    [
      'half an answer',
      ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'),
      'closes the connection',
    ],
    ['silence', () => undefined, 'gives no answer within 200ms'],
    [
      'more than it should',
      ({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n');
        socket.write(Buffer.alloc(1024 * 1024 + 1));
      },
      'with more than 1 MiB',
    ],
  ])('fails %s', async (_what, answer, reason) => {
    const timeout = reason.includes('200ms') ? 200 : 2000;
    const { result } = await judge(discover, answer, { timeout });
    expect(result).toEqual({ kind: 'failed', reason: expect.stringContaining(reason) as string });
  });

  it('ends a session that an older server begins for it, and leaves none behind', async () => {
    const begin = say('400 Bad Request\r\nMcp-Session-Id: s-1', noSession);
    const { result, heads } = await judge(discover, (request) =>
      request.head.startsWith('DELETE ') ? say('200 OK')(request) : begin(request),
    );
    expect(result).toEqual(passed);
    expect(heads).toHaveLength(2);
    expect(heads[1]).toMatch(/^DELETE \/mcp HTTP\/1\.1\r\n/);
    expect(heads[1]).toContain('\r\nmcp-session-id: s-1\r\n');
    const stream = 'HTTP/1.1 200 OK\r\nMcp-Session-Id: s-2\r\nContent-Type: text/event-stream\r\n\r\n';
    const refused = await judge(
      discover,
      ({ head, socket }) =>
        void socket.end(head.startsWith('DELETE ') ? 'HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n' : stream),
    );
    expect(refused.result).toEqual(passed);
    expect(refused.heads[1]).toContain('\r\nmcp-session-id: s-2\r\n');
    // Whatever comes of that, the answer was bad.
    const bad = await judge(discover, say('500 Oops\r\nMcp-Session-Id: s-3', noSession));
    expect(bad.result).toMatchObject({ kind: 'failed' });
    expect(bad.heads).toHaveLength(2);
  });

  it('follows redirects within the server, and no others', async () => {
    const slash: Answer = ({ head, socket }) => {
      const host = /\r\nhost: (\S+)/.exec(head)?.[1];
      socket.write(
        head.startsWith('POST /mcp/ ')
          ? `HTTP/1.1 404 Not Found\r\nContent-Length: ${unknownMethod.length}\r\n\r\n${unknownMethod}`
          : `HTTP/1.1 307 Temporary Redirect\r\nLocation: http://${host}/mcp/\r\nContent-Length: 0\r\n\r\n`,
      );
    };
    const followed = await judge(discover, slash);
    expect(followed.result).toEqual(passed);
    expect(followed.heads).toHaveLength(2);
    const elsewhere = await judge(
      discover,
      say('307 Temporary Redirect\r\nLocation: http://other.invalid/mcp'),
    );
    expect(elsewhere.heads).toHaveLength(1);
    expect(elsewhere.result.kind).toBe('failed');
    const circle = await judge(discover, say('307 Temporary Redirect\r\nLocation: /mcp'));
    expect(circle.heads).toHaveLength(4);
    expect(circle.result.kind).toBe('failed');
  });
});

describe('a probe over TLS', async () => {
  const authority = await createTestCertificate({ names: ['Test Root'], ca: true });
  const trusted = await createTestCertificate({ names: ['localhost'], issuer: authority });
  const system = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...system, authority.cert]));
  afterAll(() => setDefaultCACertificates(system));

  it.each(everyKind)('checks the certificate for the name of the URL ($kind)', async (check) => {
    const upstream = await startScriptedUpstream(answerJson('{"jsonrpc":"2.0","id":1,"result":{}}'), {
      tls: trusted,
      host: '127.0.0.8',
    });
    const target = at(upstream.port, { secure: true, host: 'localhost', address: '127.0.0.8' });
    expect(await ask(check, target)).toEqual(passed);
    const other = at(upstream.port, { secure: true, host: 'other.invalid', address: '127.0.0.8' });
    expect(await ask(check, other)).toEqual({
      kind: 'failed',
      reason: 'shows a certificate for another name',
    });
    await upstream.stop();
  });

  it('fails a server that takes the connection and shakes no hands', async () => {
    const upstream = await startScriptedUpstream();
    const target = at(upstream.port, { secure: true, host: 'localhost', address: '127.0.0.1' });
    const result = await ask(tcp, target, 200);
    expect(result).toEqual({ kind: 'failed', reason: 'takes no connection within 200ms' });
    await upstream.stop();
  });
});
