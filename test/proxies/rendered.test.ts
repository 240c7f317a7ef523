import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';
import { readFinalAnswers, type ReceivedAnswer } from '../support/answers.ts';
import { claims } from '../support/claimed-fields.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import { programsAreMandatory } from '../support/programs.ts';
import { findEngine, type InstalledEngine } from '../support/proxy-engine.ts';
import { receive } from '../support/rig.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { asking, askOnce, startEngineRig, type EngineRig } from './rig.ts';

const key = createKey();
const bearer = `Authorization: Bearer ${key}\r\n`;
const auth = { keys: [{ name: 'test', sha256: toKeyHash(key) }] };
const answer = answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');

/** What each set-up is; in mode `front` Breakwater decides, whatever the engine. */
const setUps: readonly (readonly [InstalledEngine, 'direct' | 'front', 'open' | 'protected'])[] = (
  ['nginx', 'haproxy', 'apache', 'caddy', 'caddy-current'] as const
).flatMap((engine) => [
  [engine, 'direct', 'open'] as const,
  ...(asking.includes(engine) ? [[engine, 'direct', 'protected'] as const] : []),
  [engine, 'front', 'protected'] as const,
]);

describe.each(setUps)('%s, mode %s, %s', (engine, mode, access) => {
  const program = findEngine(engine);
  const isProtected = access === 'protected';
  const own = isProtected ? bearer : '';
  let upstream: ScriptedUpstream;
  let rig: EngineRig;

  describe.skipIf(program.kind === 'missing' && !programsAreMandatory)('the rendered configuration', () => {
    beforeAll(async () => {
      if (program.kind === 'missing') throw new Error(program.reason);
      upstream = await startScriptedUpstream((request) => {
        if (!request.head.startsWith('GET ')) answer(request);
        else request.socket.write(eventStreamHead + toChunk('data: first\n\n'));
      });
      rig = await startEngineRig({
        engine,
        mode,
        upstreamPort: upstream.port,
        ...(isProtected ? { auth } : {}),
      });
    });
    afterAll(async () => {
      await rig?.[Symbol.asyncDispose]();
      await upstream.stop();
    });

    const ask = (request: string): Promise<ReceivedAnswer> => rig.ask(request);
    const withHost = (request: string): string =>
      request.replace('Host: localhost', `Host: localhost:${rig.port}`);
    const post = (fields = '', path = '/mcp'): string =>
      withHost(buildPost(buildCall(), { path, fields: own + fields }));

    it('passes a call, with and without a slash, on one connection', async () => {
      const before = upstream.requests.length;
      const client: RawClient = await connectRaw(rig);
      for (const path of ['/mcp', '/mcp/', '/mcp?a=b', '/mcp']) {
        client.clear();
        client.send(post('', path));
        expect((await receive(client)).status, path).toBe(200);
      }
      client.socket.destroy();
      const targets = upstream.requests.slice(before).map(({ head }) => head.split(' ')[1]);
      expect(targets).toEqual(['/mcp', '/mcp', '/mcp?a=b', '/mcp']);
    });

    it('path-confusion: passes nothing below, beside or above', async () => {
      const before = upstream.requests.length;
      for (const path of [
        '/',
        '/mcpfoo',
        '/mcp/x',
        '/mcp.json',
        '/MCP',
        '/admin',
        '/mcp/../admin',
        '/mcp%2fx',
      ])
        expect((await ask(post('', path))).status, path).toBeGreaterThanOrEqual(400);
      const passed = upstream.requests.slice(before).map(({ head }) => head.split('\r\n')[0]);
      expect(passed).toEqual([]);
    });

    it('passes events as they come', async () => {
      const client = await connectRaw(rig);
      client.send(withHost(buildGet({ fields: own })));
      await client.until((text) => text.includes('data: first'));
      const stream = upstream.requests.findLast(({ head }) => head.startsWith('GET '));
      for (const data of ['one', 'two', 'three']) {
        stream?.socket.write(toChunk(`data: ${data}\n\n`));
        await client.until((text) => text.includes(`data: ${data}\n\n`));
      }
      expect(client.received).toMatch(/^HTTP\/1\.1 200 /);
      expect(client.received.toLowerCase()).not.toContain('content-encoding');
      client.socket.destroy();
    });

    it('forwarded-spoofing: tells the upstream what it saw, and nothing of what the client claims', async () => {
      const forged = claims.map((name) => `${name}: forged-6f\r\n`).join('');
      expect((await ask(post(forged))).status).toBe(200);
      const head = upstream.requests.at(-1)?.head ?? '';
      expect(head).not.toContain('forged-6f');
      expect(head.toLowerCase()).toContain('x-forwarded-for: 127.0.0.1');
      if (isProtected) expect(head).not.toContain(key);
    });

    it.each([
      [
        'dns-rebinding: an unknown Host',
        (text: string) => text.replace(/Host: [^\r]*/, 'Host: evil.example'),
        421,
      ],
      [
        'dns-rebinding: an unknown Origin',
        (text: string) => text.replace('Accept:', 'Origin: https://evil.example\r\nAccept:'),
        403,
      ],
      ['another method', (text: string) => text.replace('POST', 'PUT'), 405],
      [
        'a body that is too large',
        (text: string) => text.replace(/Content-Length: \d+/, 'Content-Length: 99999999'),
        413,
      ],
    ])('refuses %s', async (_what, change, status) => {
      const before = upstream.requests.length;
      expect((await ask(change(post()))).status).toBe(status);
      expect(upstream.requests).toHaveLength(before);
    });

    it('lets pages of listed origins in', async () => {
      const origin = 'Origin: https://app.example.com\r\n';
      const passed = await ask(post(origin));
      expect(passed.status).toBe(200);
      expect(passed.field('access-control-allow-origin')).toBe('https://app.example.com');
      expect(passed.field('access-control-expose-headers')).toContain('Mcp-Session-Id');
      const wanted =
        'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, mcp-method\r\n';
      const preflight = await ask(
        `OPTIONS /mcp HTTP/1.1\r\nHost: localhost:${rig.port}\r\n${origin}${wanted}\r\n`,
      );
      expect(preflight.status).toBe(204);
      expect(preflight.field('access-control-allow-headers')).toContain('mcp-method');
      expect(preflight.field('access-control-allow-methods')).toContain('DELETE');
    });

    it('sends pages from plain HTTP to HTTPS, and refuses calls', async () => {
      const plain = (request: string): Promise<ReceivedAnswer> => askPlainly(rig.plainPort, request);
      const host = `Host: localhost:${rig.plainPort}\r\n`;
      const page = await plain(`GET /mcp?a=b HTTP/1.1\r\n${host}\r\n`);
      expect(page.status).toBe(308);
      expect(page.field('location')).toMatch(new RegExp(`^https://localhost:${rig.port}/mcp\\?a=b$`));
      expect((await plain(`GET /mcp HTTP/1.1\r\n${host}${bearer}\r\n`)).status).toBe(403);
      expect((await plain(buildPost(buildCall()).replace('Host: localhost\r\n', host))).status).toBe(403);
    });

    it('has room for a token of 8 KiB and more', async () => {
      const request = withHost(buildPost(buildCall(), { fields: `${own}X-Long: ${'a'.repeat(12_000)}\r\n` }));
      expect((await ask(request)).status).toBe(200);
    });

    it('says HSTS, also with errors', async () => {
      for (const path of ['/mcp']) {
        const answered = await ask(post('', path));
        expect(answered.field('strict-transport-security')).toBe('max-age=63072000');
      }
    });

    it.runIf(isProtected)('asks who calls, and answers as Breakwater itself does', async () => {
      const before = upstream.requests.length;
      const stranger = withHost(buildPost(buildCall()));
      const embedded = await askBreakwater(rig, stranger);
      const refused = await ask(stranger);
      expect(refused.status).toBe(401);
      expect(refused.field('www-authenticate')).toBe(embedded.field('www-authenticate'));
      const wrong = buildPost(buildCall(), { fields: 'Authorization: Bearer wrong\r\n' });
      expect((await ask(withHost(wrong))).field('www-authenticate')).toContain('invalid_token');
      const asKey = buildPost(buildCall(), { fields: `X-API-Key: ${key}\r\n` });
      expect(upstream.requests).toHaveLength(before);
      expect((await ask(withHost(asKey))).status).toBe(200);
      expect(upstream.bytes).not.toContain(key);
    });
  });
});

/** The same request on Breakwater's own listener. */
async function askBreakwater({ breakwater }: EngineRig, request: string): Promise<ReceivedAnswer> {
  if (breakwater === undefined) throw new Error('there is no gateway');
  return askOnce(breakwater, request);
}

async function askPlainly(port: number, request: string): Promise<ReceivedAnswer> {
  const socket = connect({ host: '127.0.0.1', port });
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString('latin1')));
  socket.write(request);
  await expect.poll(() => readFinalAnswers(text)[0]?.complete, { interval: 5, timeout: 5000 }).toBe(true);
  socket.destroy();
  const [received] = readFinalAnswers(text);
  if (received === undefined) throw new Error('no answer');
  return received;
}
