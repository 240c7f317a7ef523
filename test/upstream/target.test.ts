import { describe, expect, it } from 'vitest';
import { toUpstreamAuthority, toUpstreamOrigin, type UpstreamTarget } from '../../src/upstream/target.ts';

function tcp(host: string, port: number, secure = false): UpstreamTarget {
  return { kind: 'tcp', secure, host, port, path: '/mcp' };
}

describe('what an upstream calls itself', () => {
  it.each<[UpstreamTarget, string, string]>([
    [tcp('127.0.0.1', 8000), '127.0.0.1:8000', 'http://127.0.0.1:8000'],
    [tcp('backend', 80), 'backend', 'http://backend'],
    [tcp('backend', 443), 'backend:443', 'http://backend:443'],
    [tcp('backend', 443, true), 'backend', 'https://backend'],
    [tcp('backend', 80, true), 'backend:80', 'https://backend:80'],
    [tcp('::1', 8000), '[::1]:8000', 'http://[::1]:8000'],
    [tcp('2001:db8::1', 443, true), '[2001:db8::1]', 'https://[2001:db8::1]'],
    [{ kind: 'unix', socketPath: '/run/mcp.sock', path: '/mcp' }, 'localhost', 'http://localhost'],
  ])('%j', (target, authority, origin) => {
    expect(toUpstreamAuthority(target)).toBe(authority);
    expect(toUpstreamOrigin(target)).toBe(origin);
    expect(new URL(origin).origin).toBe(origin);
  });
});
