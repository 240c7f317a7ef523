import { describe, expect, it } from 'vitest';
import type { ResponseHead } from '../../src/http/response-head.ts';
import { findRedirect } from '../../src/upstream/redirect.ts';

function answer(status: number, location?: string): ResponseHead {
  return {
    status,
    fields: location === undefined ? [] : ['location', location],
    framing: { kind: 'none' },
    keepAlive: true,
    keepAliveFor: undefined,
    isEventStream: false,
  };
}

const server = { origin: 'http://127.0.0.1:8000', target: '/mcp' };

describe('findRedirect', () => {
  it.each([
    [307, '/mcp/', '/mcp/'],
    [308, 'other?a=b', '/other?a=b'],
    [307, 'http://127.0.0.1:8000/mcp/', '/mcp/'],
    // Behind a forwarded `https`, servers write that scheme before their own host.
    [307, 'https://127.0.0.1:8000/mcp/', '/mcp/'],
    [307, 'https://mcp.example.com/mcp/', undefined],
    [307, '//evil.example.com/mcp', undefined],
    [307, 'http://[', undefined],
    [307, undefined, undefined],
    [302, '/mcp/', undefined],
    [200, '/mcp/', undefined],
  ])('%i to %s leads to %s', (status, location, expected) => {
    expect(findRedirect(answer(status, location), server)).toBe(expected);
  });

  it('takes the authority of the client for that of the server, and no other', () => {
    const context = { ...server, publicAuthority: 'mcp.example.com' };
    expect(findRedirect(answer(307, 'https://mcp.example.com/mcp/'), context)).toBe('/mcp/');
    expect(findRedirect(answer(307, 'https://mcp.example.com.evil.example/'), context)).toBeUndefined();
  });
});
