import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { toAudience } from '../../src/gateway/audience.ts';
import { buildHostNames } from '../../src/gateway/host-names.ts';

describe('who can reach an address', () => {
  it.each([
    ['127.0.0.1', 'PRIVATE'],
    ['127.9.9.9', 'PRIVATE'],
    ['::1', 'PRIVATE'],
    ['localhost', 'PRIVATE'],
    ['::ffff:127.0.0.1', 'PRIVATE'],
    ['0:0:0:0:0:0:0:1', 'PRIVATE'],
    ['10.0.0.1', 'LAN'],
    ['172.16.0.1', 'LAN'],
    ['172.31.255.255', 'LAN'],
    ['192.168.1.1', 'LAN'],
    ['169.254.1.1', 'LAN'],
    ['100.64.0.1', 'LAN'],
    ['fd00::1', 'LAN'],
    ['fe80::1', 'LAN'],
    ['172.32.0.1', 'PUBLIC'],
    ['100.128.0.1', 'PUBLIC'],
    ['203.0.113.1', 'PUBLIC'],
    ['2001:db8::1', 'PUBLIC'],
    ['0.0.0.0', 'PUBLIC'],
    ['::', 'PUBLIC'],
    ['myhost', 'PUBLIC'],
    ['localhost.example.com', 'PUBLIC'],
    ['127.0.0.1.example.com', 'PUBLIC'],
    ['127.999.9.9', 'PUBLIC'],
  ])('%s: %s', (host, audience) => expect(toAudience(host)).toBe(audience));
});

describe('the names a gateway answers to', () => {
  const loopback = ['localhost', '127.0.0.1', '[::1]'];

  it.each([
    ['127.0.0.1', [], loopback],
    ['127.0.0.1', ['mcp.example.com'], ['mcp.example.com', ...loopback]],
    ['192.168.1.5', [], ['192.168.1.5']],
    ['2001:DB8::5', [], ['[2001:db8::5]']],
    ['0.0.0.0', ['mcp.example.com'], ['mcp.example.com']],
    ['::', ['a.example', 'b.example'], ['a.example', 'b.example']],
    ['0.0.0.0', ['203.0.113.9', '2001:db8::9'], ['203.0.113.9', '[2001:db8::9]']],
  ])('on %s for %j are %j', (host, domains, names) => {
    expect([...buildHostNames(host, domains).exact].toSorted()).toEqual(names.toSorted());
  });

  it('on a wildcard address without domains are the addresses of the machine, which no page can rebind', () => {
    const names = buildHostNames('0.0.0.0', []);
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address, family } of addresses ?? []) {
        expect(names.has(family === 'IPv6' ? `[${address}]` : address)).toBe(true);
      }
    }
    expect(names.has('localhost')).toBe(true);
    expect([...names.exact].filter((name) => /[g-z]/.test(name))).toEqual(['localhost']);
  });
});

describe('a wildcard domain', () => {
  const names = buildHostNames('0.0.0.0', ['*.mcp.example.com', 'example.org']);

  it.each(['a.mcp.example.com', 'tenant-7.mcp.example.com', 'xn--mnchen-3ya.mcp.example.com', 'example.org'])(
    'lets %s in',
    (name) => expect(names.has(name)).toBe(true),
  );

  it.each([
    'mcp.example.com',
    'a.b.mcp.example.com',
    '.mcp.example.com',
    '*.mcp.example.com',
    'evilmcp.example.com',
    'a.mcp.example.com.evil.example',
    'a.mcp.example.org',
    'a@b.mcp.example.com',
    'a.example.org',
    '',
  ])('attack: DNS rebinding with %j', (name) => expect(names.has(name)).toBe(false));
});
