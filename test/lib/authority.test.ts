import { describe, expect, it } from 'vitest';
import { formatAuthority, toBracketedHost } from '../../src/lib/authority.ts';

describe('an authority', () => {
  it.each([
    ['mcp.example.com', 'mcp.example.com', 'mcp.example.com:8443'],
    ['127.0.0.1', '127.0.0.1', '127.0.0.1:8443'],
    ['::1', '[::1]', '[::1]:8443'],
    ['::', '[::]', '[::]:8443'],
    ['2001:db8::7', '[2001:db8::7]', '[2001:db8::7]:8443'],
    ['::ffff:192.0.2.1', '[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]:8443'],
    ['fe80::1%eth0', '[fe80::1%eth0]', '[fe80::1%eth0]:8443'],
  ])('has brackets around the address %s where it has colons', (host, bracketed, authority) => {
    expect(toBracketedHost(host)).toBe(bracketed);
    expect(formatAuthority(host, 8443)).toBe(authority);
  });
});
