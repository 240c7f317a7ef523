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
  ])('on %s for %j are %j', (host, domains, names) => {
    expect([...buildHostNames(host, domains)].toSorted()).toEqual(names.toSorted());
  });

  it('on a wildcard address without domains are the addresses of the machine, which no page can rebind', () => {
    const names = buildHostNames('0.0.0.0', []);
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address, family } of addresses ?? []) {
        expect(names).toContain(family === 'IPv6' ? `[${address}]` : address);
      }
    }
    expect(names).toContain('localhost');
    expect([...names].filter((name) => /[g-z]/.test(name))).toEqual(['localhost']);
  });
});
