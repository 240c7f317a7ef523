import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildKeys, lockWithKey } from '../support/keys.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig } from '../support/rig.ts';
import { answerJson, eventStreamHead, type Answer } from '../support/scripted-upstream.ts';

const { key, sha256, auth } = buildKeys('laptop');
const other = buildKeys().key;
const answer = answerJson('{}');
const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;

describe('a route protected by keys', () => {
  it.each([
    ['none', ''],
    ['an empty one', 'Authorization: \r\n'],
    ['a scheme alone', 'Authorization: Bearer\r\n'],
    ['a scheme and a space', 'Authorization: Bearer \r\n'],
    ['another scheme', `Authorization: Basic ${Buffer.from(`a:${key}`).toString('base64')}\r\n`],
    ['the key without a scheme', `Authorization: ${key}\r\n`],
    ['two words', bearer(`${key} ${key}`)],
    ['an empty header of its own', 'X-API-Key: \r\n'],
    ['a cookie', `Cookie: access_token=${key}\r\n`],
    ['an underscore twin', `Authorization_: Bearer ${key}\r\n`],
    ['a nominated header', `${bearer(key)}Connection: authorization\r\n`],
  ])('answers 401 with a challenge and no error when there is no token: %s', async (_name, fields) => {
    await using rig = await startRig({ answer, auth });
    const refused = await rig.ask(buildPost(buildCall({ id: 'x' }), { fields }));
    expect(refused.status).toBe(401);
    expect(refused.field('www-authenticate')).toBe('Bearer realm="breakwater"');
    expect(JSON.parse(refused.body)).toMatchObject({
      jsonrpc: '2.0',
      error: { data: { reason: 'E_AUTH_REQUIRED' } },
    });
    expect(rig.upstream.connections).toBe(0);
  });

  it.each([
    ['another key', bearer(other)],
    ['one letter less', bearer(key.slice(0, -1))],
    ['one letter more', bearer(`${key}x`)],
    ['another letter case', bearer(key.toUpperCase())],
    ['its hash', bearer(sha256)],
    ['a key too long to be one', bearer('x'.repeat(8000))],
    ['quotes', bearer(`"${key}"`)],
    ['an object name', bearer('__proto__')],
    ['the key twice', bearer(key) + bearer(key)],
    ['the key and another', bearer(key) + bearer(other)],
    ['another and the key', bearer(other) + bearer(key)],
    ['the key and another scheme', `${bearer(key)}Authorization: Basic eDp5\r\n`],
    ['the key in both headers', `${bearer(key)}X-API-Key: ${key}\r\n`],
    ['another key in its own header', `X-API-Key: ${other}\r\n`],
  ])('answers 401 with invalid_token to %s', async (_name, fields) => {
    await using rig = await startRig({ answer, auth });
    for (const request of [buildPost(buildCall(), { fields }), buildGet({ fields })]) {
      const refused = await rig.ask(request);
      expect(refused.status).toBe(401);
      expect(refused.field('www-authenticate')).toBe('Bearer realm="breakwater", error="invalid_token"');
      expect(refused.field('cache-control')).toBe('no-store');
      expect(refused.body).toContain('E_AUTH_INVALID');
    }
    expect(rig.upstream.connections).toBe(0);
  });

  it.each([bearer(key), `authorization: bearer ${key}\r\n`, `AUTHORIZATION:   BEARER   ${key}  \r\n`])(
    'control: lets the right key in, however the scheme is spelled',
    async (fields) => {
      await using rig = await startRig({ answer, auth });
      expect((await rig.ask(buildPost(buildCall(), { fields }))).status).toBe(200);
      expect(rig.gateway.lines[0]).toMatchObject({ principal: 'laptop', status: 200 });
    },
  );

  it('key-leak: the key is in no log line, no answer and nothing the upstream gets', async () => {
    await using rig = await startRig({ answer, auth });
    const answers = [
      await rig.ask(buildPost(buildCall(), { fields: `${bearer(key)}X-API-Key: ${key}\r\n` })),
      await rig.ask(buildPost(buildCall(), { path: `/mcp?access_token=${other}`, fields: bearer(key) })),
      await rig.ask(buildPost('nonsense', { fields: bearer(key) })),
      await rig.ask(buildPost(buildCall(), { fields: bearer(other) })),
      await rig.ask(buildPost(buildCall(), { path: '/nothing', fields: bearer(key) })),
    ];
    using client = await connectH2(rig.gateway);
    await client.post(buildCall(), { authorization: `Bearer ${key}`, 'x-api-key': key }).head;
    const seen = JSON.stringify([answers, rig.gateway.lines, rig.gateway.problems]);
    expect(rig.upstream.bytes).not.toContain(key);
    for (const secret of [key, other, key.slice(4, 20)]) expect(seen).not.toContain(secret);
    expect(rig.gateway.lines).toHaveLength(6);
  });

  it("control: without keys the header is the upstream's business and passes", async () => {
    await using rig = await startRig({ answer });
    await rig.ask(buildPost(buildCall(), { fields: `${bearer(key)}X-API-Key: ${key}\r\n` }));
    expect(rig.upstream.requests[0]?.head).toContain(
      `\r\nauthorization: Bearer ${key}\r\nx-api-key: ${key}\r\n`,
    );
    expect(JSON.stringify(rig.gateway.lines)).not.toContain(key);
  });

  it('is checked before the message is read, so that a stranger learns nothing from it', async () => {
    await using rig = await startRig({ answer, auth });
    expect((await rig.ask(buildPost('nonsense'))).status).toBe(401);
    expect((await rig.ask(buildPost('nonsense', { fields: bearer(key) }))).status).toBe(400);
  });
});

describe('the access log', () => {
  it('names method and tool, and never arguments, session ids, event ids or queries', async () => {
    const secret = 'topsecret';
    await using rig = await startRig({ answer });
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: secret,
      method: 'tools/call',
      params: { name: 'echo', arguments: { [secret]: secret }, _meta: { progressToken: secret } },
    });
    const fields = `Mcp-Session-Id: ${secret}\r\nLast-Event-ID: ${secret}\r\nCookie: ${secret}\r\nUser-Agent: ${secret}\r\n`;
    await rig.ask(buildPost(body, { path: `/mcp?token=${secret}`, fields }));
    const resource = {
      jsonrpc: '2.0',
      id: 1,
      method: 'resources/read',
      params: { uri: `file:///${secret}` },
    };
    await rig.ask(buildPost(JSON.stringify(resource)));
    expect(JSON.stringify(rig.gateway.lines)).not.toContain(secret);
    expect(rig.gateway.lines[0]).toMatchObject({
      rpc: 'tools/call',
      tool: 'echo',
      path: '/mcp',
      route: '/mcp',
    });
    expect(rig.gateway.lines[1]).toMatchObject({ rpc: 'resources/read' });
  });
});

describe('a key of its own header', () => {
  it('lets in, and reaches no upstream', async () => {
    await using rig = await startRig({ answer, auth });
    const fields = `X-API-Key: ${key}\r\n`;
    expect((await rig.ask(buildPost(buildCall(), { fields }))).status).toBe(200);
    expect(rig.upstream.requests[0]?.head.toLowerCase()).not.toContain('x-api-key');
  });
});

describe('a key that ends', () => {
  const stream: Answer = ({ socket }) => socket.write(eventStreamHead);

  it('takes the streams of its holder with it within a second, and lets nobody in again', async () => {
    const clock = new ManualClock();
    const ending = lockWithKey({ name: 'laptop', sha256, expiresAt: clock.now() + 60_000 });
    await using rig = await startRig({ answer: stream, auth: ending, clock });
    const client = await rig.connect();
    client.send(buildGet({ fields: bearer(key) }));
    await client.until((text) => text.includes('text/event-stream'));
    clock.advance(59_000);
    expect(rig.gateway.gateway.load.exchanges).toBe(1);
    clock.advance(1000);
    await client.closed();
    expect((await rig.ask(buildPost(buildCall(), { fields: bearer(key) }))).status).toBe(401);
  });

  it('stolen-recognition: is refused on a connection where it was let in before', async () => {
    const clock = new ManualClock();
    const ending = lockWithKey({ name: 'laptop', sha256, expiresAt: clock.now() + 10_000 });
    await using rig = await startRig({ answer, auth: ending, clock });
    const client = await rig.connect();
    for (let turn = 1; turn <= 3; turn++) {
      client.send(buildPost(buildCall(), { fields: bearer(key) }));
      await client.until((text) => text.split('HTTP/1.1 200').length > turn);
    }
    clock.jump(10_000);
    client.send(buildPost(buildCall(), { fields: bearer(key) }));
    const received = await client.until((text) => text.includes('HTTP/1.1 401'));
    expect(received).toContain('invalid_token');
  });

  it('control: one without end keeps its stream', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ answer: stream, auth, clock });
    const client = await rig.connect();
    client.send(buildGet({ fields: bearer(key) }));
    await client.until((text) => text.includes('text/event-stream'));
    clock.advance(61_000);
    expect(rig.gateway.gateway.load.exchanges).toBe(1);
  });
});
