import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '../../src/config/config.ts';
import { toRule } from '../auth/rules/callers.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, streamed, type Rig } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

const { auth, alice, bob } = buildTwoCallers();
/** Alice may call all tools that begin with `read_`, and Bob one of them. */
const rules: readonly RuleConfig[] = [
  toRule('deny', { tools: ['read_secret'] }),
  toRule('allow', { who: { principals: ['key:alice'] }, tools: ['read_*'] }),
  toRule('allow', { who: { principals: ['key:bob'] }, tools: ['read_one'] }),
];

const toTools = (...names: readonly string[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: names.map((name) => ({ name })) } });
const all = toTools('read_one', 'write', 'read_secret', 'read_two');
const forAlice = toTools('read_one', 'read_two');
const forBob = toTools('read_one');
const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
const toEvent = (json: string): string => `event: message\ndata: ${json}\n\n`;

function answerEvents(...events: readonly string[]): Answer {
  return ({ socket }) => {
    socket.write(eventStreamHead);
    for (const event of events) socket.write(toChunk(toEvent(event)));
    socket.write('0\r\n\r\n');
  };
}

function toCall(name: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: {} } });
}

async function call(rig: Rig, fields: string, name: unknown): Promise<number> {
  return (await rig.ask(buildPost(toCall(name), { fields }))).status;
}

describe('calls under rules', () => {
  it('reach the server when a rule allows them to this caller, and no others do', async () => {
    await using rig = await startRig({ answer: answerJson('{}'), auth, rules });
    expect(await call(rig, alice, 'read_one')).toBe(200);
    expect(await call(rig, alice, 'read_two')).toBe(200);
    expect(await call(rig, bob, 'read_one')).toBe(200);
    const before = rig.upstream.requests.length;
    for (const [fields, name] of [
      [alice, 'write'],
      [alice, 'read_secret'],
      [alice, 'READ_ONE'],
      [alice, ' read_one'],
      [alice, 7],
      [alice, undefined],
      [bob, 'read_two'],
    ] as const)
      expect(await call(rig, fields, name), String(name)).toBe(403);
    expect(rig.upstream.requests).toHaveLength(before);
  });

  it('are refused with an error for the request, and without a challenge that could not help', async () => {
    await using rig = await startRig({ answer: answerJson('{}'), auth, rules });
    const refused = await rig.ask(buildPost(toCall('write'), { fields: alice }));
    expect(refused.field('www-authenticate')).toBeUndefined();
    expect(JSON.parse(refused.body)).toMatchObject({ id: 7, error: { data: { reason: 'E_ACCESS_DENIED' } } });
  });

  it('batch-hiding: are found wherever they stand in a batch', async () => {
    await using rig = await startRig({ answer: answerJson('[]'), auth, rules });
    const batch = (name: string): string => `[${toCall('read_one')},${list},${toCall(name)}]`;
    const fields = `${alice}MCP-Protocol-Version: 2025-03-26\r\n`;
    expect((await rig.ask(buildPost(batch('read_two'), { fields }))).status).toBe(200);
    expect((await rig.ask(buildPost(batch('write'), { fields }))).status).toBe(403);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  it('deny-by-default: a caller whom no rule names cannot begin a session, open a stream or end one', async () => {
    const onlyAlice = [toRule('allow', { who: { principals: ['key:alice'] }, tools: ['*'] })];
    await using rig = await startRig({ answer: answerJson('{}'), auth, rules: onlyAlice });
    const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
    expect((await rig.ask(buildPost(initialize, { fields: bob }))).status).toBe(403);
    expect((await rig.ask(buildGet({ fields: bob }))).status).toBe(403);
    expect((await rig.ask(`DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${bob}\r\n`)).status).toBe(403);
    expect(rig.upstream.requests).toHaveLength(0);
    expect((await rig.ask(buildPost(initialize, { fields: alice }))).status).toBe(200);
  });

  it('scopes: a key without them is denied, since nobody can give it more', async () => {
    const withScope = [toRule('allow', { tools: ['*'], scopes: ['tools'] })];
    await using rig = await startRig({ answer: answerJson('{}'), auth, rules: withScope });
    const refused = await rig.ask(buildPost(buildCall(), { fields: alice }));
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({ error: { data: { reason: 'E_ACCESS_DENIED' } } });
    const able = buildTwoCallers(['tools']);
    await using other = await startRig({ answer: answerJson('{}'), auth: able.auth, rules: withScope });
    expect((await other.ask(buildPost(buildCall(), { fields: able.alice }))).status).toBe(200);
  });

  it('control: without rules everything passes', async () => {
    await using rig = await startRig({ answer: answerJson(all), auth });
    expect(await call(rig, bob, 'write')).toBe(200);
    expect((await rig.ask(buildPost(list, { fields: bob }))).body).toBe(all);
  });
});

describe('lists under rules', () => {
  it.each([
    ['alice', alice, forAlice],
    ['bob', bob, forBob],
  ])('show %s what may be called, in JSON with its length', async (_name, fields, expected) => {
    await using rig = await startRig({ answer: answerJson(all), auth, rules });
    const answer = await rig.ask(buildPost(list, { fields }));
    expect(answer.body).toBe(expected);
    expect(answer.field('content-length')).toBe(String(expected.length));
  });

  it("keep one caller's list from the next on a kept connection", async () => {
    await using rig = await startRig({ answer: answerJson(all), auth, rules });
    const client = await rig.connect();
    for (const [fields, expected] of [
      [alice, forAlice],
      [bob, forBob],
      [alice, forAlice],
      [bob, forBob],
    ] as const) {
      client.clear();
      client.send(buildPost(list, { fields }));
      expect(await streamed(client, (body) => body.endsWith('}'))).toBe(expected);
    }
  });

  it('are filtered in the events of a call, and behind other events', async () => {
    const progress = '{"jsonrpc":"2.0","method":"notifications/progress"}';
    await using rig = await startRig({ answer: answerEvents(progress, all), auth, rules });
    const { body } = await rig.ask(buildPost(list, { fields: bob }));
    expect(body).toBe(toEvent(progress) + toEvent(forBob));
  });

  it('resumption: are filtered on the stream of a GET, which may repeat an answer', async () => {
    await using rig = await startRig({ answer: answerEvents(all), auth, rules });
    const fields = `${bob}Last-Event-ID: 1\r\n`;
    expect((await rig.ask(buildGet({ fields }))).body).toBe(toEvent(forBob));
  });

  it('are filtered in the answers to a batch', async () => {
    await using rig = await startRig({
      answer: answerJson(`[${all},{"jsonrpc":"2.0","id":2,"result":{}}]`),
      auth,
      rules,
    });
    const fields = `${bob}MCP-Protocol-Version: 2025-03-26\r\n`;
    const { body } = await rig.ask(buildPost(`[${list}]`, { fields }));
    expect(body).toBe(`[${forBob},{"jsonrpc":"2.0","id":2,"result":{}}]`);
  });

  it('cache-leak: are private to the caller where the revision has such a mark', async () => {
    await using rig = await startRig({
      answer: answerJson(all.replace('{"tools"', '{"cacheScope":"public","tools"')),
      auth,
      rules,
    });
    const { body, fields } = buildModern('tools/list');
    const answer = await rig.ask(buildPost(body, { fields: fields + bob }));
    expect(JSON.parse(answer.body)).toMatchObject({
      result: { cacheScope: 'private', tools: [{ name: 'read_one' }] },
    });
  });

  it('name-leak: what cannot be read is not passed on', async () => {
    for (const odd of [all.slice(0, -2), '\u00ff', all.replace('"tools"', '"Tools"'), `${all}${all}`]) {
      await using rig = await startRig({ answer: answerJson(odd), auth, rules });
      const answer = await rig.ask(buildPost(list, { fields: bob }));
      expect(answer.status).toBe(502);
      expect(answer.body).not.toContain('write');
    }
  });

  it('name-leak: a stream ends at the event that cannot be read', async () => {
    await using rig = await startRig({ answer: answerEvents(all, all.slice(0, -2), all), auth, rules });
    const client = await rig.connect();
    client.send(buildPost(list, { fields: bob }));
    const received = await client.until((text) => text.includes('E_UPSTREAM_BAD_RESPONSE'));
    expect(received).toContain(forBob);
    expect(received).not.toContain('write');
    expect(received).not.toContain('read_two');
  });

  it('errors and empty answers of the server stay as they are', async () => {
    for (const head of ['HTTP/1.1 404 Not Found', 'HTTP/1.1 400 Bad Request']) {
      const answer: Answer = ({ socket }) => socket.write(`${head}\r\nContent-Length: 9\r\n\r\nNot Found`);
      await using rig = await startRig({ answer, auth, rules });
      expect((await rig.ask(buildPost(list, { fields: bob }))).body).toBe('Not Found');
    }
    const none: Answer = ({ socket }) => socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
    await using rig = await startRig({ answer: none, auth, rules });
    expect((await rig.ask(buildPost(list, { fields: bob }))).status).toBe(202);
  });
});
