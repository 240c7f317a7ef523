import { describe, expect, it } from 'vitest';
import { classify } from '../../src/mcp/classify.ts';
import { scanEnvelope } from '../../src/mcp/envelope.ts';
import { countCalls, visitOperations, type Operation } from '../../src/mcp/operations.ts';
import { buildBodyCases } from '../security/agreement/body-cases.ts';
import { readCall } from '../security/agreement/decision.ts';
import { buildHeaderCases } from '../security/agreement/header-cases.ts';

function readOperations(body: Buffer | string): Operation[] {
  const bytes = Buffer.from(body);
  const envelope = scanEnvelope(bytes);
  if (envelope.kind === 'refused') throw new Error(envelope.reason);
  const operations: Operation[] = [];
  visitOperations(envelope, bytes, (operation) => operations.push(operation));
  return operations;
}

const toBody = (method: string, params = '{}'): string =>
  `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`;
const listen = (notifications: string): string =>
  toBody('subscriptions/listen', `{"notifications":${notifications}}`);
const listened = { method: 'subscriptions/listen', kind: 'none', name: undefined };
const watched = (name: string | undefined): object => ({
  method: 'subscriptions/listen',
  kind: 'resource',
  name,
});

it('countCalls says how often a batch calls each tool, and how much else is in it', () => {
  const call = (name: string): string => toBody('tools/call', `{"name":${name}}`);
  const told = '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"a"}}';
  const body = `[${call('"a"')},${told},${call('"\\u0061"')},${call('7')},${toBody('ping')},${call('"b"')}]`;
  expect([...countCalls(Buffer.from(body))]).toEqual([
    ['a', 2],
    [undefined, 3],
    ['b', 1],
  ]);
});

describe('visitOperations', () => {
  it.each<[string, string, Operation['kind'], string | undefined]>([
    ['tools/call', '{"name":"s\\u0065arch","uri":"u","taskId":"t"}', 'tool', 'search'],
    ['tools/call', '{"name":["search"]}', 'tool', undefined],
    ['tools/call', '[]', 'tool', undefined],
    ['prompts/get', '{"name":"greet"}', 'prompt', 'greet'],
    ['resources/read', '{"name":"n","uri":"memo:1"}', 'resource', 'memo:1'],
    ['resources/subscribe', '{"uri":"memo:1"}', 'resource', 'memo:1'],
    ['resources/unsubscribe', '{"uri":"memo:1"}', 'resource', 'memo:1'],
    ['completion/complete', '{"ref":{"type":"ref/prompt","name":"greet"}}', 'prompt', 'greet'],
    ['completion/complete', '{"ref":{"type":"ref/resource","uri":"memo:{a}"}}', 'resource', 'memo:{a}'],
    ['completion/complete', '{"ref":{"name":"greet"}}', 'prompt', undefined],
    ['completion/complete', '{"name":"greet"}', 'prompt', undefined],
    ['tasks/get', '{"taskId":"t"}', 'none', undefined],
    ['tools/list', '{"name":"n"}', 'none', undefined],
    ['Tools/Call', '{"name":"n"}', 'none', undefined],
    ['initialize', '{"name":"n"}', 'none', undefined],
  ])('reads %s %s', (method, params, kind, name) => {
    expect(readOperations(toBody(method, params))).toEqual([{ method, kind, name }]);
  });

  it('batch-hiding: reads every message of a batch, answers aside', () => {
    const call = toBody('tools/call', '{"name":"a"}');
    const answer = '{"jsonrpc":"2.0","id":1,"result":{}}';
    const told = '{"jsonrpc":"2.0","method":"notifications/cancelled"}';
    const body = `[${call}, ${answer},${told},${toBody('prompts/get', '{"name":"b"}')},${call}]`;
    expect(readOperations(body).map(({ method, name }) => [method, name])).toEqual([
      ['tools/call', 'a'],
      ['notifications/cancelled', undefined],
      ['prompts/get', 'b'],
      ['tools/call', 'a'],
    ]);
    expect(readOperations(`[${answer}]`)).toEqual([]);
    expect(readOperations(answer)).toEqual([]);
    // A message that is scanned afterwards is not taken for a part of the batch.
    expect(readOperations(call)).toHaveLength(1);
  });

  it.each([
    ['{"toolsListChanged":true}', []],
    ['{"resourceSubscriptions":[]}', []],
    ['{"resourceSubscriptions":["memo:1","m\\u0065mo:2"]}', [watched('memo:1'), watched('memo:2')]],
    ['{"resourceSubscriptions":["memo:1",5]}', [watched('memo:1'), watched(undefined)]],
    ['{"resourceSubscriptions":"memo:1"}', [watched(undefined)]],
    ['{"resourceSubscriptions":{"0":"memo:1"}}', [watched(undefined)]],
    // case-twin: a server that ignores letter case finds these.
    ['{"ResourceSubscriptions":["memo:1"]}', [watched(undefined)]],
    ['{"re\\u017fourceSubscriptions":["memo:1"]}', [watched(undefined)]],
    ['{"resourceSubscriptions":["memo:1"],"resourcesubscriptions":["memo:2"]}', [watched(undefined)]],
    ['[]', []],
    ['null', []],
  ])('reads what is listened to: %s', (notifications, expected) => {
    expect(readOperations(listen(notifications))).toEqual([listened, ...expected]);
  });

  it('reads nothing watched, or something unreadable, elsewhere', () => {
    expect(readOperations(toBody('subscriptions/listen'))).toEqual([listened]);
    const twin = listen('{"resourceSubscriptions":["memo:1"]}').replace('"notifications"', '"Notifications"');
    expect(readOperations(twin)).toEqual([listened, watched(undefined)]);
    const batch = `[${listen('{"resourceSubscriptions":["memo:1"]}')}]`;
    expect(readOperations(batch)).toEqual([listened, watched(undefined)]);
  });
});

describe('T12 with rules on: what is decided on is what is forwarded', () => {
  const cases = [...buildHeaderCases(), ...buildBodyCases()];

  /** What came of a case: the operations, or nothing when it was refused. */
  function judge({ body, fields }: (typeof cases)[number]): Operation[] | undefined {
    const envelope = scanEnvelope(body);
    if (envelope.kind === 'refused') return undefined;
    const values = (name: string): string[] =>
      [...fields.matchAll(new RegExp(`^${name}: ?(.*?)\\r$`, 'gim'))].map(([, value]) => value ?? '');
    const names = ['MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name', 'Mcp-Session-Id', 'Last-Event-ID'];
    const isNominated = /^connection: mcp-method/im.test(fields);
    const [protocolVersion, mcpMethod, mcpName, sessionId, lastEventId] = names.map(
      (name) => values(name)[0],
    );
    const headers = {
      protocolVersion,
      mcpMethod: isNominated ? undefined : mcpMethod,
      mcpName,
      sessionId,
      lastEventId,
      isRepeated: names.some((name) => values(name).length > 1),
    };
    if (classify({ transport: 'streamable-http', headers, envelope }).kind === 'mismatch') return undefined;
    const operations: Operation[] = [];
    visitOperations(envelope, body, (operation) => operations.push(operation));
    return operations;
  }

  it.each(cases.map((entry) => ({ name: entry.name, entry })))('$name', ({ entry }) => {
    const operations = judge(entry);
    expect(operations !== undefined).toBe(entry.fate === 'passes');
    if (operations === undefined) return;
    const text = entry.body.toString();
    // JSON.parse of a batch or an object, as the text says.
    const messages = text.trim().startsWith('[')
      ? (JSON.parse(text) as object[])
      : [JSON.parse(text) as object];
    const calls = messages.flatMap((message) => readCall(Buffer.from(JSON.stringify(message))) ?? []);
    const asked = calls.filter(({ rpc }) => rpc !== undefined);
    expect(operations.map(({ method }) => method)).toEqual(asked.map(({ rpc }) => rpc));
    const named = asked.map(({ rpc, name }) =>
      rpc === 'tools/call' || rpc === 'prompts/get' || rpc === 'resources/read' ? name : undefined,
    );
    expect(operations.map(({ name }) => name)).toEqual(named);
  });

  it('control: deciding by the header, or by the first method in the text, is deciding about another call', () => {
    const wrong = cases.filter(({ fields, body }) => {
      const text = body.toString();
      const method = /^Mcp-Method: ?(.*?)\r/im.exec(fields)?.[1] ?? /"method":"(.*?)"/.exec(text)?.[1];
      const name = /^Mcp-Name: ?(.*?)\r/im.exec(fields)?.[1] ?? /"name":"(.*?)"/.exec(text)?.[1];
      const call = readCall(body);
      // What JSON.parse reads, a lenient server runs.
      return call !== undefined && (call.rpc !== method || (call.tool !== undefined && call.tool !== name));
    });
    expect(cases.length).toBeGreaterThanOrEqual(200);
    expect(wrong.length).toBeGreaterThan(60);
  });
});
