import { describe, expect, it } from 'vitest';
import { describeRecord, formatRecord } from '../../src/gateway/access-record.ts';
import type { Exchange } from '../../src/gateway/exchange.ts';
import type { Outcome } from '../../src/gateway/outcome.ts';
import { scanEnvelope } from '../../src/mcp/envelope.ts';

function record(message: object, ending: Partial<Outcome> = {}): Record<string, unknown> {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }));
  const envelope = scanEnvelope(body);
  if (envelope.kind === 'refused') throw new Error(envelope.reason);
  const exchange = {
    request: {
      protocol: 'h1',
      method: 'POST',
      path: '/mcp',
      query: '?session_id=s3cret',
      fields: ['authorization', 'Bearer s3cret', 'mcp-session-id', 's3cret'],
      body,
    },
    client: { address: '192.0.2.1', chain: '192.0.2.1' },
    startedAt: 0,
    outcome: {
      status: 200,
      bytes: 5,
      upstreamStatus: 200,
      code: undefined,
      stream: false,
      deferred: false,
      ...ending,
    },
    destination: { kind: 'unknown' },
    envelope,
  } as unknown as Exchange; // Only what the record reads.
  const line = `{${formatRecord(exchange, 12.4)}}`;
  expect(line).not.toContain('s3cret');
  expect(line).toMatch(/^[\0-\x7f]*$/);
  return JSON.parse(line) as Record<string, unknown>; // The record is an object.
}

describe('the access record', () => {
  it('says of a deferred answer that it is one, and of no other', () => {
    const message = { method: 'tools/call', params: { name: 'slow' } };
    expect(record(message)).not.toHaveProperty('deferred');
    expect(record(message, { stream: true, deferred: true })).toMatchObject({ stream: true, deferred: true });
    const line = { method: 'POST', path: '/mcp', status: 200, duration_ms: 6, protocol: 'h2' };
    expect(describeRecord({ ...line, stream: true, deferred: true })).toBe(
      'POST /mcp: 200 in 6 ms, HTTP/2, stream, deferred',
    );
  });

  it('names method and tool, never arguments, queries, tokens or session ids', () => {
    const line = record({ method: 'tools/call', params: { name: 'pay', arguments: { card: 's3cret' } } });
    expect(line).toMatchObject({
      rpc: 'tools/call',
      tool: 'pay',
      path: '/mcp',
      status: 200,
      duration_ms: 12,
    });
  });

  it('leaves out resource addresses, which can be secrets', () => {
    expect(record({ method: 'resources/read', params: { uri: 'file:///s3cret' } })).not.toHaveProperty(
      'tool',
    );
  });

  it('log-flooding: clips names', () => {
    const { tool } = record({ method: 'tools/call', params: { name: 'x'.repeat(1_000_000) } });
    expect(String(tool)).toHaveLength(129);
  });

  it('log-injection: what a client names stays inside its string', () => {
    const name = 'x","status":500,"tool":"y\n{"';
    expect(record({ method: 'tools/call', params: { name } })).toMatchObject({ tool: name, status: 200 });
    expect(record({ method: name })).toMatchObject({ rpc: name, status: 200 });
  });

  it('is ASCII, whatever a client names, and means what it named', () => {
    const name = 'été 😀 \ud800 \u007f\u0000';
    expect(record({ method: 'tools/call', params: { name } })).toMatchObject({ tool: name });
  });

  it('terminal-escape-injection: a sentence holds no control characters', () => {
    const text = describeRecord({
      method: 'POST',
      path: '/mcp',
      rpc: 'tools/call',
      tool: '\u001b[2Jx\r\n',
      status: 200,
      duration_ms: 1,
    });
    expect(text).toBe('POST /mcp tools/call ?[2Jx??: 200 in 1 ms, HTTP/1.1');
  });
});
