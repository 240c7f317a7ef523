import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';
import type { ReceivedAnswer } from '../support/answers.ts';
import { claims } from '../support/claimed-fields.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { programsAreMandatory } from '../support/programs.ts';
import { findEngine } from '../support/proxy-engine.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import {
  answerJson,
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';
import { until } from '../support/until.ts';
import { startEngineRig, type EngineRig } from './rig.ts';

const key = createKey();
const bearer = `Authorization: Bearer ${key}\r\n`;
const auth = { keys: [{ name: 'test', sha256: toKeyHash(key) }] };

/** What Traefik cannot refuse in mode `direct` is `undefined`; `render` says so in warnings. */
const refusals = {
  envoy: { host: 421, method: 405, body: 413 },
  traefik: { host: 404, method: undefined, body: undefined },
} as const;

const setUps = (['envoy', 'traefik'] as const).flatMap((engine) => [
  [engine, 'direct', 'open'] as const,
  [engine, 'direct', 'protected'] as const,
  [engine, 'front', 'protected'] as const,
]);

describe.each(setUps)('%s, mode %s, %s', (engine, mode, access) => {
  const program = findEngine(engine);
  const isProtected = access === 'protected';
  const isDirect = mode === 'direct';
  const own = isProtected ? bearer : '';
  let upstream: ScriptedUpstream;
  let rig: EngineRig;

  describe.skipIf(program.kind === 'missing' && !programsAreMandatory)('the rendered configuration', () => {
    beforeAll(async () => {
      if (program.kind === 'missing') throw new Error(program.reason);
      upstream = await startScriptedUpstream((request) => {
        if (!request.head.startsWith('GET ')) answerJson('{"jsonrpc":"2.0","id":1,"result":{}}')(request);
        else request.socket.write(eventStreamHead + toChunk('data: first\n\n'));
      });
      rig = await startEngineRig({
        engine,
        mode,
        upstreamPort: upstream.port,
        ...(isProtected ? { auth } : {}),
      });
      // Traefik accepts connections before it has read its second file.
      await until(async () => (await ask(post()).catch(() => undefined))?.status === 200);
    });
    afterAll(async () => {
      await rig[Symbol.asyncDispose]();
      await upstream.stop();
    });

    const ask = (request: string): Promise<ReceivedAnswer> => rig.ask(request);
    const withHost = (request: string): string =>
      request.replace('Host: localhost', `Host: localhost:${rig.port}`);
    const post = (fields = '', path = '/mcp'): string =>
      withHost(buildPost(buildCall(), { path, fields: own + fields }));

    it('passes a call, with and without a slash', async () => {
      const before = upstream.requests.length;
      for (const path of ['/mcp', '/mcp?a=b']) expect((await ask(post('', path))).status, path).toBe(200);
      expect((await ask(post('', '/mcp/'))).status).toBe(200);
      const targets = upstream.requests.slice(before).map(({ head }) => head.split(' ')[1]);
      expect(targets).toEqual(['/mcp', '/mcp?a=b', '/mcp']);
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
      expect(upstream.requests).toHaveLength(before);
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
      expect(client.received.toLowerCase()).not.toContain('content-encoding');
      client.socket.destroy();
    });

    it('tells the upstream when the client of a stream is gone', async () => {
      const client = await connectRaw(rig);
      client.send(withHost(buildGet({ fields: own })));
      await client.until((text) => text.includes('data: first'));
      const stream = upstream.requests.findLast(({ head }) => head.startsWith('GET '));
      client.socket.destroy();
      await expect.poll(() => stream?.socket.destroyed, { interval: 5, timeout: 5000 }).toBe(true);
    });

    it('forwarded-spoofing: tells the upstream what it saw, and nothing of what the client claims', async () => {
      const forged = claims.map((name) => `${name}: forged-6f\r\n`).join('');
      expect((await ask(post(forged))).status).toBe(200);
      const head = upstream.requests.at(-1)?.head ?? '';
      expect(head).not.toContain('forged-6f');
      expect(head.toLowerCase()).toContain('x-forwarded-for: 127.0.0.1');
      if (isProtected) expect(head).not.toContain(key);
    });

    const expected = isDirect ? refusals[engine] : { ...refusals.envoy, host: refusals[engine].host };
    const rows: readonly (readonly [string, (text: string) => string, number | undefined])[] = [
      [
        'dns-rebinding: an unknown Host',
        (text) => text.replace(/Host: [^\r]*/, 'Host: evil.example'),
        expected.host,
      ],
      [
        'dns-rebinding: an unknown Origin',
        (text) => text.replace('Accept:', 'Origin: https://evil.example\r\nAccept:'),
        403,
      ],
      ['another method', (text) => text.replace('POST', 'PUT'), expected.method],
      [
        'a body that is too large',
        (text) => text.replace(/Content-Length: \d+/, 'Content-Length: 99999999'),
        expected.body,
      ],
    ];

    it.each(rows.filter(([, , status]) => status !== undefined))(
      'refuses %s',
      async (_what, change, status) => {
        const before = upstream.requests.length;
        expect((await ask(change(post()))).status).toBe(status);
        expect(upstream.requests).toHaveLength(before);
      },
    );

    it('lets pages of listed origins in', async () => {
      const origin = 'Origin: https://app.example.com\r\n';
      const passed = await ask(post(origin));
      expect(passed.status).toBe(200);
      expect(passed.field('access-control-allow-origin')).toBe('https://app.example.com');
      expect(passed.field('access-control-expose-headers')).toContain('Mcp-Session-Id');
      expect(passed.field('vary')).toContain('Origin');
      const wanted =
        'Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, mcp-method\r\n';
      const preflight = await ask(
        `OPTIONS /mcp HTTP/1.1\r\nHost: localhost:${rig.port}\r\n${origin}${wanted}\r\n`,
      );
      expect([200, 204]).toContain(preflight.status);
      expect(preflight.field('access-control-allow-headers')).toContain('mcp-method');
      expect(preflight.field('access-control-allow-methods')).toContain('DELETE');
    });

    it('says HSTS', async () => {
      const answered = await ask(post());
      expect(answered.field('strict-transport-security')).toBe('max-age=63072000');
    });

    it.runIf(isProtected)('asks who calls, and answers as Breakwater itself does', async () => {
      const before = upstream.requests.length;
      const stranger = withHost(buildPost(buildCall()));
      const refused = await ask(stranger);
      expect(refused.status).toBe(401);
      expect(refused.field('www-authenticate')).toContain('Bearer');
      const wrong = buildPost(buildCall(), { fields: 'Authorization: Bearer wrong\r\n' });
      const denied = await ask(withHost(wrong));
      expect([denied.status, denied.field('www-authenticate')]).toEqual([
        401,
        expect.stringContaining('invalid_token'),
      ]);
      expect(upstream.requests).toHaveLength(before);
      const asKey = buildPost(buildCall(), { fields: `X-API-Key: ${key}\r\n` });
      expect((await ask(withHost(asKey))).status).toBe(200);
      expect(upstream.bytes).not.toContain(key);
    });

    it.runIf(isProtected)('a page may read why it is refused', async () => {
      const page = withHost(buildPost(buildCall(), { fields: 'Origin: https://app.example.com\r\n' }));
      const refused = await ask(page);
      expect(refused.status).toBe(401);
      expect(refused.field('access-control-allow-origin')).toBe('https://app.example.com');
    });
  });
});
