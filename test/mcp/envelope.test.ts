import { describe, expect, it } from 'vitest';
import { MAX_DEPTH, scanEnvelope } from '../../src/mcp/envelope.ts';

const scan = (text: string): ReturnType<typeof scanEnvelope> => scanEnvelope(Buffer.from(text));

/** A message whose params come to `depth` levels, the message included. */
function nested(depth: number, open = '[', close = ']'): string {
  const levels = depth - 2;
  return `{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":${open.repeat(levels)}${close.repeat(levels)}}}`;
}

describe('scanEnvelope', () => {
  it('reads a tools/call', () => {
    expect(
      scan('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}'),
    ).toEqual({
      kind: 'request',
      id: '7',
      method: 'tools/call',
      name: 'echo',
      hasName: true,
      protocolVersion: undefined,
      hasProtocolVersion: false,
      initializeVersion: undefined,
      ref: undefined,
    });
  });

  it.each([
    ['tools/call', '"name":"n","uri":"u","taskId":"t"', 'n'],
    ['prompts/get', '"name":"n","uri":"u","taskId":"t"', 'n'],
    ['resources/read', '"name":"n","uri":"u","taskId":"t"', 'u'],
    ['resources/subscribe', '"name":"n","uri":"u","taskId":"t"', 'u'],
    ['resources/unsubscribe', '"uri":"caf\\u00e9 é"', 'café é'],
    ['tasks/cancel', '"name":"n","uri":"u","taskId":"t"', 't'],
    ['tools/list', '"name":"n","uri":"u","taskId":"t"', undefined],
    ['tools/call', '"name":5', undefined],
  ])('takes the name of %s from the right member', (method, params, name) => {
    const result = scan(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{${params}}}`);
    expect(result).toMatchObject({ kind: 'request', name, hasName: method !== 'tools/list' });
  });

  it.each([
    ['{"type":"ref/prompt","name":"n"}', { kind: 'prompt', name: 'n' }],
    ['{"uri":"file:///{p}","type":"ref\\/resource"}', { kind: 'resource', name: 'file:///{p}' }],
    ['{"type":"ref/prompt","uri":"u"}', undefined],
    // ref-confusion: which of the two a server takes is its own affair.
    ['{"type":"ref/prompt","name":"n","uri":"u"}', undefined],
    ['{"type":"ref/resource","name":"n","uri":"u"}', undefined],
    ['{"type":"ref/other","name":"n"}', undefined],
    ['{"name":"n"}', undefined],
    ['{"type":"ref/prompt","name":["n"]}', undefined],
    ['["ref/prompt","n"]', undefined],
    ['"ref/prompt"', undefined],
  ])('reads what is to be completed: %s', (ref, expected) => {
    const text = (method: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"ref":${ref},"argument":{"name":"a"}}}`;
    expect(scan(text('completion/complete'))).toMatchObject({ ref: expected, name: undefined });
    expect(scan(text('tools/call'))).toMatchObject({ ref: undefined, name: undefined });
  });

  it.each(['Ref', 'REF', '\\u0052ef'])('refuses the case twin %s', (key) => {
    const ref = '{"type":"ref/prompt","name":"n"}';
    const text = `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":${ref},"${key}":${ref}}}`;
    expect(scan(text)).toMatchObject({ kind: 'refused', reason: 'case-twin' });
    const inner = text.replace(`"${key}":${ref}`, '"x":1').replace('"name"', '"Name":"o","name"');
    expect(scan(inner)).toMatchObject({ kind: 'refused', reason: 'case-twin' });
  });

  it('reads the protocol version of either era', () => {
    const meta = '"_meta":{"progressToken":1,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}';
    expect(scan(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{${meta}}}`)).toMatchObject({
      protocolVersion: '2026-07-28',
      hasProtocolVersion: true,
      initializeVersion: undefined,
    });
    expect(
      scan(
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}',
      ),
    ).toMatchObject({ initializeVersion: '2025-06-18', hasProtocolVersion: false });
    expect(
      scan(
        '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":5}}}',
      ),
    ).toMatchObject({ protocolVersion: undefined, hasProtocolVersion: true });
  });

  it('looks for members only where they belong', () => {
    const inner =
      '{"method":"x","name":"inner","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}';
    const text = `{"x":${inner},"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":${inner},"b":[${inner}]}}`;
    expect(scan(text)).toMatchObject({ method: 'tools/call', hasName: false, hasProtocolVersion: false });
  });

  it.each(['1', '-0', '1.50e+3', '123456789012345678901234567890', '"a"', '"\\u0061\\n"', '"é😀"', '""'])(
    'keeps the id %s byte for byte',
    (id) => {
      expect(scan(`{"method":"ping","id": ${id} ,"jsonrpc":"2.0"}`)).toMatchObject({ kind: 'request', id });
      expect(scan(`{"jsonrpc":"2.0","id":${id},"result":{}}`)).toEqual({ kind: 'response', id });
    },
  );

  it('reads notifications and responses', () => {
    expect(scan('{"jsonrpc":"2.0","method":"notifications/initialized"}')).toMatchObject({
      kind: 'notification',
    });
    expect(scan('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}')).toEqual({
      kind: 'response',
      id: 'null',
    });
    expect(scan('{"jsonrpc":"2.0","error":{"code":1,"message":"m"}}')).toEqual({
      kind: 'response',
      id: 'null',
    });
  });

  it('reads a batch', () => {
    const request = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
    const notification = '{"jsonrpc":"2.0","method":"n","params":[]}';
    const modern =
      '{"jsonrpc":"2.0","method":"n","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}';
    expect(scan(`[${notification} , ${request}]`)).toEqual({
      kind: 'batch',
      entries: 2,
      hasRequest: true,
      hasProtocolVersion: false,
    });
    expect(scan(`[${notification}]`)).toMatchObject({ entries: 1, hasRequest: false });
    expect(scan(`[${modern},${notification}]`)).toMatchObject({ hasProtocolVersion: true });
  });

  it('lets keys of tool arguments differ in case only, and repeat in different objects', () => {
    const args = '{"id":1,"ID":2,"Method":{"id":1},"method":[{"id":1},{"id":2}]}';
    expect(
      scan(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":${args}}}`),
    ).toMatchObject({
      kind: 'request',
      id: '1',
    });
  });

  it.each([
    ['1.1', '{"jsonrpc":"1.0","id":1,"method":"x"}', '1'],
    ['no jsonrpc', '{"id":1,"method":"x"}', '1'],
    ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"x"}', '1'],
    ['id null', '{"jsonrpc":"2.0","id":null,"method":"x"}', 'null'],
    ['id object', '{"jsonrpc":"2.0","id":{},"method":"x"}', 'null'],
    ['id true', '{"jsonrpc":"2.0","id":true,"method":"x"}', 'null'],
    ['method number', '{"jsonrpc":"2.0","id":"a","method":1}', '"a"'],
    ['params string', '{"jsonrpc":"2.0","id":1,"method":"x","params":"p"}', '1'],
    ['params null', '{"jsonrpc":"2.0","id":1,"method":"x","params":null}', '1'],
    ['method and result', '{"jsonrpc":"2.0","id":1,"method":"x","result":{}}', '1'],
    ['method and error', '{"jsonrpc":"2.0","id":1,"method":"x","error":null}', '1'],
    ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":null}', '1'],
    ['nothing', '{"jsonrpc":"2.0","id":1}', '1'],
    ['result without id', '{"jsonrpc":"2.0","result":{}}', 'null'],
    ['empty object', '{}', 'null'],
    ['scalar', ' "text" ', 'null'],
    ['empty batch', '[]', 'null'],
  ])('refuses what is not JSON-RPC: %s', (_case, text, id) => {
    expect(scan(text)).toMatchObject({ kind: 'refused', reason: 'not-json-rpc', id });
  });

  it.each([
    ['', 0],
    ['   ', 3],
    ['{"jsonrpc":"2.0","id":1,"method":"x"}x', 37],
    ['{"jsonrpc":"2.0","id":1,"method":"x"}{}', 37],
    ['{"jsonrpc":"2.0","id":1,"method":"x"}\0', 37],
    ['{"jsonrpc":"2.0","id":1,"method":"x"', 36],
    ['{"jsonrpc":"2.0","id":1,"method":"x",}', 37],
    ['{"id":01}', 7],
    ['{"id":NaN}', 6],
    ['{"id":+1}', 6],
    ['{"id":.5}', 6],
    ['{"id":1.}', 6],
    ['{"id":0x1}', 7],
    ['{"id":tru}', 6],
    ["{'id':1}", 1],
    ['{id:1}', 1],
    ['{"id" 1}', 6],
    ['{"a":"\n"}', 5],
    ['{"a":"\\x41"}', 5],
    ['{"a":"\\u00g0"}', 5],
    ['{"a":"b}', 5],
    ['[1 2]', 3],
    ['[1}', 2],
    ['{"a":1]', 6],
    ['/**/{}', 0],
    ['\u00a0{}', 0],
    ['\f{}', 0],
  ])('refuses what is not JSON: %j at byte %i', (text, offset) => {
    expect(scan(text)).toEqual({ kind: 'refused', reason: 'not-json', id: 'null', offset });
  });
});

describe('attacks on the envelope', { timeout: 30_000 }, () => {
  it.each([
    ['"method":"tools/list","method":"tools/call"', '1'],
    ['"method":"a","params":{"name":"safe","name":"evil"}', '1'],
    ['"method":"a","params":{"arguments":{"path":"/a","path":"/b"}}', '1'],
    ['"method":"a","params":[[{"k":1,"x":{"k":1},"k":2}]]', '1'],
    ['"method":"a","params":{},"params":{}', '1'],
    ['"method":"a","":1,"":2', '1'],
    ['"method":"a","id":2', 'null'],
  ])('json-smuggling-duplicate-key: %s', (rest, id) => {
    const text = `{"jsonrpc":"2.0","id":1,${rest}}`;
    // Control: without the guard the last copy wins and nobody notices.
    expect(JSON.parse(text)).toBeTypeOf('object');
    expect(scan(text)).toMatchObject({ kind: 'refused', reason: 'duplicate-key', id });
  });

  it.each(['"meth\\u006fd":"evil"', '"\\u006dethod":"evil"', '"\\u006Dethod":"evil"'])(
    'escaped-key: %s is the same key as "method"',
    (twin) => {
      expect(scan(`{"jsonrpc":"2.0","id":1,"method":"ping",${twin}}`)).toMatchObject({
        reason: 'duplicate-key',
      });
      expect(scan(`{"jsonrpc":"2.0","id":1,${twin},"method":"ping"}`)).toMatchObject({
        reason: 'duplicate-key',
      });
      expect(scan(`{"jsonrpc":"2.0","id":1,${twin}}`)).toMatchObject({ kind: 'request', method: 'evil' });
    },
  );

  it('escaped-key: long keys, many keys and halves of surrogate pairs are told apart exactly', () => {
    const inArguments = (args: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":{${args}}}}`;
    const long = 'k'.repeat(200);
    const many = Array.from({ length: 40 }, (_, index) => `"k${index}":0`).join(',');
    for (const [args, kind] of [
      [`"${long}":1,"${long}":2`, 'refused'],
      [`"${long}":1,"${long}x":2`, 'request'],
      [`${many},"k39":1`, 'refused'],
      [`${many},"k3":1`, 'refused'],
      [`${many},"k4\\u0030":1`, 'request'],
      [`${many},"k\\u0033":1`, 'refused'],
      ['"\\ud800":1,"\\ud801":2,"\ufffd":3', 'request'],
      ['"\\ud83d\\ude00":1,"😀":2', 'refused'],
      ['"é":1,"\\u00e9":2', 'refused'],
      ['"é":1,"Ã©":2', 'request'],
    ] as const) {
      expect({ args, kind: scan(inArguments(args)).kind }).toEqual({ args, kind });
    }
  });

  it.each([
    ['"Method":"x"', '1'],
    ['"METHOD":"x","method":"x"', '1'],
    ['"method":"x","Params":{}', '1'],
    ['"method":"x","ID":2', 'null'],
    ['"method":"x","\\u0049d":2', 'null'],
    ['"method":"x","param\u017f":{}', '1'],
    ['"method":"x","param\\u017f":{}', '1'],
    ['"method":"x","re\u017fult":{}', '1'],
    ['"method":"x","\u0131d":2', 'null'],
    ['"method":"x","\u0130d":2', 'null'],
    ['"method":"x","params":{"Name":"n"}', '1'],
    ['"method":"x","params":{"name\\u0000":"n"}', '1'],
    ['"method":"x","params":{"name":"n","NAME\\u0000x":"m"}', '1'],
    ['"method":"x","method\\u0000":"y"', '1'],
    ['"method":"x","params":{"name":"n","NAME":"n"}', '1'],
    ['"method":"x","params":{"URI":"n"}', '1'],
    ['"method":"x","params":{"taskid":"n"}', '1'],
    ['"method":"x","params":{"tas\u212aId":"n"}', '1'],
    ['"method":"x","params":{"_Meta":{}}', '1'],
    ['"method":"x","params":{"Arguments":{}}', '1'],
    ['"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolversion":"2026-07-28"}}', '1'],
    ['"method":"x","params":{"_meta":{"io.modelContextProtocol/protocolVersion":"2026-07-28"}}', '1'],
    ['"method":"x","params":{"_meta":{"IO.modelcontextprotocol/other":1}}', '1'],
    ['"method":"x","params":{"_meta":{"\\u0049o.modelcontextprotocol/other":1}}', '1'],
  ])('case-twin: %s', (rest, id) => {
    expect(scan(`{"jsonrpc":"2.0","id":1,${rest}}`)).toMatchObject({ reason: 'case-twin', id });
    expect(scan(`[{"jsonrpc":"2.0","id":1,${rest}}]`)).toMatchObject({ reason: 'case-twin', id: 'null' });
  });

  it('case-twin: unknown names of the reserved name space pass in their own spelling', () => {
    const meta =
      '{"io.modelcontextprotocol/other":1,"io.modelcontextprotocol/\\u006fther2":1,"com.example/X":1,"com.example/x":1}';
    expect(scan(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":${meta}}}`)).toMatchObject({
      kind: 'request',
    });
  });

  it('case-twin: bytes that differ in the case bit only are no twins unless they are letters', () => {
    expect(scan('{"jsonrpc":"2.0","id":1,"method":"x","params":{"\u007fmeta":1}}')).toMatchObject({
      kind: 'request',
    });
  });

  it('bom: a byte order mark is not JSON', () => {
    const body = Buffer.from('\ufeff{"jsonrpc":"2.0","id":1,"method":"x"}');
    expect(scanEnvelope(body)).toEqual({ kind: 'refused', reason: 'not-json', id: 'null', offset: 0 });
  });

  it.each([
    ['latin1', [0xe9]],
    ['overlong slash', [0xc0, 0xaf]],
    ['encoded surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['cut off', [0xe2, 0x82]],
  ])('invalid-utf8: %s', (_case, bytes) => {
    const body = Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
      Buffer.from(bytes),
      Buffer.from('"}'),
    ]);
    expect(scanEnvelope(body)).toMatchObject({ reason: 'not-utf8', id: 'null' });
  });

  it('invalid-utf8: UTF-16 is not read', () => {
    expect(scanEnvelope(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"x"}', 'utf16le'))).toMatchObject({
      kind: 'refused',
    });
  });

  it('depth: 64 levels pass, 65 do not, and a million do not exhaust the stack', () => {
    expect(scan(nested(MAX_DEPTH))).toMatchObject({ kind: 'request' });
    expect(scan(nested(MAX_DEPTH + 1))).toMatchObject({ kind: 'refused', reason: 'too-deep', id: 'null' });
    expect(scan(nested(MAX_DEPTH, '{"a":[', ']}').replaceAll('[]', '[1]'))).toMatchObject({
      reason: 'too-deep',
    });
    expect(scan(nested(1_000_000))).toMatchObject({ reason: 'too-deep' });
    expect(scan(`[${nested(MAX_DEPTH)}]`)).toMatchObject({ reason: 'too-deep' });
    expect(scan(`[${nested(MAX_DEPTH - 1)}]`)).toMatchObject({ kind: 'batch' });
    const wide = '[],'.repeat(1000);
    expect(scan(`{"jsonrpc":"2.0","id":1,"method":"x","params":[${wide}[]]}`)).toMatchObject({
      kind: 'request',
    });
  });

  it.each([
    ['a broken entry', '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"id":2,"method":"ping"}]'],
    ['a scalar entry', '[{"jsonrpc":"2.0","id":1,"method":"ping"},1]'],
    ['a batch within the batch', '[[{"jsonrpc":"2.0","id":1,"method":"ping"}]]'],
    [
      'an entry that leans on the one before',
      '[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":1}]',
    ],
    ['an entry of two kinds', '[{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}]'],
  ])('batch-hiding: %s', (_case, text) => {
    expect(scan(text)).toMatchObject({ kind: 'refused', reason: 'not-json-rpc', id: 'null' });
  });

  it.each([
    ['plain keys', (index: number) => `"k${index}"`],
    ['keys that look like integers', (index: number) => `"${index * 16_777_216}"`],
    ['escaped keys', (index: number) => `"\\u006b${index}"`],
  ])('hash-flooding: an object with 500,000 %s takes time in proportion', (_case, key) => {
    const members = Array.from({ length: 500_000 }, (_, index) => `${key(index)}:0`).join(',');
    const body = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"arguments":{${members}}}}`);
    const started = performance.now();
    expect(scanEnvelope(body)).toMatchObject({ kind: 'request' });
    // A quadratic scan would need minutes, a linear one a fraction of a second.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
