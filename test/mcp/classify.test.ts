import { describe, expect, it } from 'vitest';
import { classify, type ClassifyInput, type RoutingHeaders } from '../../src/mcp/classify.ts';
import { scanEnvelope, type Envelope } from '../../src/mcp/envelope.ts';

const modern = '2026-07-28';

function envelope(message: object): Envelope {
  const result = scanEnvelope(Buffer.from(JSON.stringify(message)));
  if (result.kind === 'refused') throw new Error(`the test's message is refused: ${result.reason}`);
  return result;
}

function request(method: string, params?: object): Envelope {
  return envelope({ jsonrpc: '2.0', id: 1, method, ...(params === undefined ? {} : { params }) });
}

function withMeta(params: object, version: unknown = modern): object {
  return { ...params, _meta: { 'io.modelcontextprotocol/protocolVersion': version } };
}

function decide(
  message: Envelope | undefined,
  headers: Partial<RoutingHeaders> = {},
  transport: ClassifyInput['transport'] = 'streamable-http',
): ReturnType<typeof classify> {
  const none = { protocolVersion: undefined, mcpMethod: undefined, mcpName: undefined, sessionId: undefined };
  return classify({
    transport,
    envelope: message,
    headers: { ...none, lastEventId: undefined, isRepeated: false, ...headers },
  });
}

const accepted = (era: string, revision: string): object => ({ kind: 'accepted', era, revision });
const mismatch = { kind: 'mismatch' };
const list = request('tools/list');
const call = request('tools/call', { name: 'echo', arguments: {} });
const modernList = request('tools/list', withMeta({}));
const modernCall = request('tools/call', withMeta({ name: 'echo' }));
const modernCallHeaders = { protocolVersion: modern, mcpMethod: 'tools/call', mcpName: 'echo' };

describe('classify, legacy', () => {
  it.each([
    ['no header', list, {}, '2025-03-26'],
    ['GET', undefined, {}, '2025-03-26'],
    ['GET with version', undefined, { protocolVersion: '2025-11-25' }, '2025-11-25'],
    ['header', list, { protocolVersion: '2025-06-18' }, '2025-06-18'],
    ['initialize', request('initialize', { protocolVersion: '2025-11-25' }), {}, '2025-11-25'],
    [
      'initialize with header',
      request('initialize', { protocolVersion: '2025-06-18' }),
      { protocolVersion: '2025-11-25' },
      '2025-06-18',
    ],
    ['initialize with modern version', request('initialize', { protocolVersion: modern }), {}, 'unknown'],
    ['initialize of the future', request('initialize', { protocolVersion: '2099-01-01' }), {}, 'unknown'],
    ['unknown date', list, { protocolVersion: '2025-01-01' }, 'unknown'],
    ['garbage', list, { protocolVersion: 'v999.0.0' }, 'unknown'],
    ['almost a date', list, { protocolVersion: '2026-07-28x' }, 'unknown'],
    ['response', envelope({ jsonrpc: '2.0', id: 1, result: {} }), {}, '2025-03-26'],
    ['batch', envelope([{ jsonrpc: '2.0', id: 1, method: 'ping' }]), {}, '2025-03-26'],
    ['matching headers', call, { mcpMethod: 'tools/call', mcpName: 'echo' }, '2025-03-26'],
  ])('%s', (_case, message, headers, revision) => {
    expect(decide(message, headers)).toMatchObject(accepted('legacy', revision));
  });

  it('assumes 2024-11-05 on the HTTP+SSE transport', () => {
    expect(decide(undefined, {}, 'http-sse')).toMatchObject(accepted('legacy', '2024-11-05'));
    expect(decide(list, {}, 'http-sse')).toMatchObject(accepted('legacy', '2024-11-05'));
    expect(decide(list, { protocolVersion: '2025-06-18' }, 'http-sse')).toMatchObject(
      accepted('legacy', '2025-06-18'),
    );
  });

  it('hands on session and event id', () => {
    expect(decide(list, { sessionId: 's', lastEventId: 'e' })).toMatchObject({
      sessionId: 's',
      lastEventId: 'e',
    });
  });
});

describe('classify, modern', () => {
  it.each([
    ['list', modernList, { protocolVersion: modern, mcpMethod: 'tools/list' }, modern],
    ['call', modernCall, modernCallHeaders, modern],
    ['call with encoded name', modernCall, { ...modernCallHeaders, mcpName: '=?base64?ZWNobw==?=' }, modern],
    ['no _meta (upstream: -32602)', call, modernCallHeaders, modern],
    [
      'call without a name (upstream: -32602)',
      request('tools/call', withMeta({})),
      { protocolVersion: modern, mcpMethod: 'tools/call' },
      modern,
    ],
    [
      'later revision',
      request('x', withMeta({}, '2027-01-01')),
      { protocolVersion: '2027-01-01', mcpMethod: 'x' },
      'unknown',
    ],
    [
      'malformed version in both',
      request('x', withMeta({}, 'v999.0.0')),
      { protocolVersion: 'v999.0.0', mcpMethod: 'x' },
      'unknown',
    ],
    [
      'initialize, headers complete',
      request('initialize', withMeta({})),
      { protocolVersion: modern, mcpMethod: 'initialize' },
      modern,
    ],
    [
      'initialize of a client that fell back',
      request('initialize', { protocolVersion: '2025-11-25' }),
      { protocolVersion: modern },
      modern,
    ],
    [
      'notification without Mcp-Method',
      envelope({ jsonrpc: '2.0', method: 'n' }),
      { protocolVersion: modern },
      modern,
    ],
    ['response', envelope({ jsonrpc: '2.0', id: 1, result: {} }), { protocolVersion: modern }, modern],
    ['GET', undefined, { protocolVersion: modern }, modern],
    [
      'tasks/get without Mcp-Name',
      request('tasks/get', withMeta({ taskId: 't' })),
      { protocolVersion: modern, mcpMethod: 'tasks/get' },
      modern,
    ],
  ])('%s', (_case, message, headers, revision) => {
    expect(decide(message, headers)).toMatchObject(accepted('modern', revision));
  });

  it('ignores session and event id', () => {
    const result = decide(modernCall, { ...modernCallHeaders, sessionId: 's', lastEventId: 'e' });
    expect(result).toMatchObject({ kind: 'accepted', sessionId: undefined, lastEventId: undefined });
  });

  it.each([
    ['Mcp-Method missing', modernCall, { protocolVersion: modern, mcpName: 'echo' }],
    ['Mcp-Method missing, no _meta', list, { protocolVersion: modern }],
    ['Mcp-Name missing', modernCall, { protocolVersion: modern, mcpMethod: 'tools/call' }],
    [
      'Mcp-Name missing on prompts/get',
      request('prompts/get', withMeta({ name: 'p' })),
      { protocolVersion: modern, mcpMethod: 'prompts/get' },
    ],
    [
      'Mcp-Name missing on resources/read',
      request('resources/read', withMeta({ uri: 'u' })),
      { protocolVersion: modern, mcpMethod: 'resources/read' },
    ],
    ['Mcp-Method in another case', modernCall, { ...modernCallHeaders, mcpMethod: 'TOOLS/CALL' }],
    ['Mcp-Name malformed', modernCall, { ...modernCallHeaders, mcpName: '=?base64?ZWNobw?=' }],
    [
      'name of another type',
      request('tools/call', withMeta({ name: 5 })),
      { ...modernCallHeaders, mcpName: '5' },
    ],
    [
      'taskId differs',
      request('tasks/get', withMeta({ taskId: 't' })),
      { protocolVersion: modern, mcpMethod: 'tasks/get', mcpName: 'u' },
    ],
  ])('refuses: %s', (_case, message, headers) => {
    expect(decide(message, headers)).toMatchObject(mismatch);
  });
});

describe('attacks by disagreement', () => {
  it('header-smuggling-duplicate: a repeated header is refused in every era and method', () => {
    for (const message of [undefined, list, modernList]) {
      expect(decide(message, { isRepeated: true })).toMatchObject(mismatch);
    }
  });

  it.each([
    ['modern body without header', modernList, {}],
    [
      'modern body under a legacy header',
      modernList,
      { protocolVersion: '2025-11-25', mcpMethod: 'tools/list' },
    ],
    [
      'body and header name different versions',
      modernList,
      { protocolVersion: '2027-01-01', mcpMethod: 'tools/list' },
    ],
    [
      'body claims a legacy revision under a modern header',
      request('tools/list', withMeta({}, '2025-11-25')),
      { protocolVersion: modern, mcpMethod: 'tools/list' },
    ],
    [
      'both name a legacy revision, but only the body is modern',
      request('tools/list', withMeta({}, '2025-11-25')),
      { protocolVersion: '2025-11-25', mcpMethod: 'tools/list' },
    ],
    [
      'version of another type',
      request('tools/list', withMeta({}, 5)),
      { protocolVersion: '5', mcpMethod: 'tools/list' },
    ],
    ['version of another type without header', request('tools/list', withMeta({}, 5)), {}],
    [
      'modern notification without header',
      envelope({ jsonrpc: '2.0', method: 'n', params: withMeta({}) }),
      {},
    ],
  ])('era-confusion: %s', (_case, message, headers) => {
    expect(decide(message, headers)).toMatchObject(mismatch);
  });

  it.each([
    ['another method', call, { mcpMethod: 'tools/list' }],
    ['another tool', call, { mcpName: 'safe' }],
    ['a name where the method has none', list, { mcpName: 'safe' }],
    ['a method for a response', envelope({ jsonrpc: '2.0', id: 1, result: {} }), { mcpMethod: 'tools/list' }],
    ['another notification', envelope({ jsonrpc: '2.0', method: 'n' }), { mcpMethod: 'tools/list' }],
  ])(
    'header-body-differential: headers that name %s are refused in the legacy era too',
    (_case, message, headers) => {
      expect(decide(message, headers)).toMatchObject(mismatch);
      expect(decide(message, { ...headers, protocolVersion: '2025-11-25' })).toMatchObject(mismatch);
      // Control: the same message passes without the lying header.
      expect(decide(message, {})).toMatchObject({ kind: 'accepted' });
    },
  );

  it('batch-hiding: no header speaks for a batch, and no batch enters the modern era', () => {
    const batch = envelope([{ jsonrpc: '2.0', id: 1, method: 'ping' }]);
    const modernBatch = envelope([{ jsonrpc: '2.0', id: 1, method: 'ping', params: withMeta({}) }]);
    expect(decide(batch, { mcpMethod: 'ping' })).toMatchObject(mismatch);
    expect(decide(batch, { mcpName: 'x' })).toMatchObject(mismatch);
    expect(decide(batch, { protocolVersion: modern })).toMatchObject(mismatch);
    expect(decide(modernBatch)).toMatchObject(mismatch);
    expect(decide(modernBatch, { protocolVersion: modern })).toMatchObject(mismatch);
    expect(decide(batch, { protocolVersion: '2025-03-26' })).toMatchObject(accepted('legacy', '2025-03-26'));
  });

  it('reflection: a mismatch repeats none of the values that were sent', () => {
    const result = decide(call, { mcpMethod: '<script>', mcpName: '<script>', protocolVersion: '<script>' });
    expect(result.kind === 'mismatch' && result.detail).not.toContain('<');
  });
});

describe('classify, the deprecated HTTP+SSE transport', () => {
  it('takes modern requests without headers: its clients mirror nothing', () => {
    expect(decide(modernCall, {}, 'http-sse')).toMatchObject({ kind: 'accepted', era: 'modern' });
  });

  it('still refuses headers that differ from the body', () => {
    expect(decide(modernCall, { protocolVersion: '2025-06-18' }, 'http-sse')).toMatchObject(mismatch);
    expect(decide(modernCall, { mcpMethod: 'tools/list' }, 'http-sse')).toMatchObject(mismatch);
    expect(decide(call, { mcpName: 'other' }, 'http-sse')).toMatchObject(mismatch);
  });

  it('control: over Streamable HTTP the same request is refused', () => {
    expect(decide(modernCall)).toMatchObject(mismatch);
  });
});
