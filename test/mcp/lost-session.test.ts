import { describe, expect, it } from 'vitest';
import { readInitializeAnswer } from '../../src/mcp/initialize-answer.ts';
import { isLostSession } from '../../src/mcp/lost-session.ts';

function toError(code: number, message: string, id: unknown = null): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}

describe('a lost session', () => {
  it.each([
    ['Python SDK 2', 404, toError(-32_600, 'Session not found', 'server-error')],
    ['Python SDK, another session', 404, toError(-32_600, 'Not Found: Invalid or expired session ID')],
    ['Python SDK 1, before 404', 400, toError(-32_600, 'Bad Request: No valid session ID provided')],
    ['TypeScript SDK', 404, toError(-32_001, 'Session not found')],
    ['TypeScript SDK, a new process', 400, toError(-32_000, 'Bad Request: Server not initialized')],
    ['TypeScript examples', 400, toError(-32_000, 'Bad Request: No valid session ID provided')],
    ['plain text', 404, 'session not found\n'],
    ['plain text at 400', 400, 'Invalid session ID'],
    ['Rust SDK, older', 401, 'Unauthorized: Session not found'],
    ['a page', 404, '<html>Not Found</html>'],
    ['nothing at all', 404, ''],
    ['JSON that is no JSON-RPC', 404, '{"detail":"Not Found"}'],
    ['Java SDK', 404, toError(-32_603, 'Session not found: 4f1c')],
  ])('%s says so', (_who, status, body) => {
    expect(isLostSession({ status, body })).toBe(true);
  });

  it.each([
    ['an answer', 200, toError(-32_001, 'Session not found')],
    ['an unknown method', 404, toError(-32_601, 'Method not found', 3)],
    ['a result under a wrong status', 404, '{"jsonrpc":"2.0","id":1,"result":{}}'],
    ['a version that is refused', 400, toError(-32_000, 'Bad Request: Unsupported protocol version')],
    ['a body that is refused', 400, toError(-32_700, 'Parse error')],
    ['a request without the field', 400, toError(-32_600, 'Bad Request: Missing session ID')],
    ['a login that is over', 401, '{"error":"invalid_token"}'],
    ['an empty 400', 400, ''],
    ['a failure that may have executed', 500, 'session not found'],
    ['a failure of a proxy', 502, 'unknown session'],
  ])('%s is something else', (_what, status, body) => {
    expect(isLostSession({ status, body })).toBe(false);
  });
});

describe('the answer to an initialize of ours', () => {
  const result = JSON.stringify({ jsonrpc: '2.0', id: 'x', result: { protocolVersion: '2025-11-25' } });
  const other = '{"jsonrpc":"2.0","method":"notifications/message","params":{}}';
  const agreed = { kind: 'agreed', protocolVersion: '2025-11-25' };

  it.each([
    ['JSON', false, result, agreed],
    ['an event', true, `event: message\ndata: ${result}\n\n`, agreed],
    [
      'an event behind others',
      true,
      `: ping\r\n\r\ndata:${other}\r\n\r\nid: 3\r\ndata: ${result}\r\n\r\n`,
      agreed,
    ],
    ['half an event', true, `data: ${result}\n`, undefined],
    ['a request with the same id', false, '{"jsonrpc":"2.0","id":"x","method":"ping"}', undefined],
    ['another answer', false, result.replace('"x"', '"y"'), undefined],
    ['an error', false, toError(-32_602, 'no', 'x'), { kind: 'refused' }],
    ['a result without a version', false, '{"jsonrpc":"2.0","id":"x","result":{}}', { kind: 'refused' }],
    [
      'a version that is no text',
      false,
      '{"jsonrpc":"2.0","id":"x","result":{"protocolVersion":1}}',
      { kind: 'refused' },
    ],
    [
      'header-injection: a version that would be two fields',
      false,
      '{"jsonrpc":"2.0","id":"x","result":{"protocolVersion":"1\\r\\nx-user: root"}}',
      { kind: 'refused' },
    ],
    ['no JSON', false, 'Internal Server Error', undefined],
  ] as const)('is read from %s', (_what, isEventStream, body, expected) => {
    expect(readInitializeAnswer(body, { id: 'x', isEventStream })).toEqual(expected);
  });
});
