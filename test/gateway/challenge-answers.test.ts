import { describe, expect, it } from 'vitest';
import { createPlainHttpHandler } from '../../src/gateway/plain-http.ts';
import type { IncomingRequest, ResponseSink } from '../../src/http/exchange.ts';

interface Sent {
  readonly status: number;
  readonly body: string;
}

function ask(path: string, authority: string): Sent {
  const handler = createPlainHttpHandler({
    hostNames: new Set(['mcp.example.com']),
    securePort: () => 443,
    readiness: () => ({ status: 200, body: '{}' }),
    answerChallenge: (token) => (token === 'known' ? 'known.thumbprint' : undefined),
  });
  let sent: Sent | undefined;
  const request = { method: 'GET', path, query: '', authority, fields: [] };
  const sink = {
    send: (status: number, _: readonly string[], body: string) => void (sent = { status, body }),
  };
  // The handler reads and calls nothing else.
  handler(request as unknown as IncomingRequest, sink as unknown as ResponseSink);
  if (sent === undefined) throw new Error('no answer');
  return sent;
}

describe('the answer to http-01', () => {
  it.each(['mcp.example.com', '203.0.113.7', '[2001:db8::7]'])('is given under %s', (authority) => {
    expect(ask('/.well-known/acme-challenge/known', authority)).toEqual({
      status: 200,
      body: 'known.thumbprint',
    });
  });

  it.each(['unknown', '', 'known/', 'known/../known', 'KNOWN'])(
    'is for its token alone, not for `%s`',
    (token) => {
      expect(ask(`/.well-known/acme-challenge/${token}`, 'mcp.example.com').status).toBe(404);
    },
  );

  it('echoes nothing of what was asked (reflected content)', () => {
    const { body } = ask('/.well-known/acme-challenge/<script>', 'mcp.example.com');
    expect(body).not.toContain('script');
  });
});
