import fc from 'fast-check';
import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { IncomingRequest } from '../../src/http/exchange.ts';
import { buildForwardedFields, isClaimedField, resolveClient } from '../../src/http/forwarded.ts';
import { claims } from '../support/claimed-fields.ts';
import { buildTrustedProxies, isLoopbackPeer, toPlainAddress } from '../../src/http/trusted-proxies.ts';

function buildRequest(address: string, forwardedFor: readonly string[] = []): IncomingRequest {
  return {
    protocol: 'h1',
    method: 'GET',
    path: '/mcp',
    query: '',
    authority: 'mcp.example.com',
    fields: forwardedFor.flatMap((value) => ['x-forwarded-for', value]),
    isRepeat: false,
    body: Buffer.alloc(0),
    peer: { address, port: 1, secure: true },
  };
}

describe('trusted proxies', () => {
  const isTrusted = buildTrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32']);

  it.each([
    ['10.255.255.255', true],
    ['192.0.2.7', true],
    ['2001:db8:1::1', true],
    ['11.0.0.0', false],
    ['192.0.2.8', false],
    ['2001:db9::1', false],
    ['', false],
    ['10.0.0.1.example.com', false],
    ['10.0.0.1, 6.6.6.6', false],
  ])('%s: %s', (address, expected) => expect(isTrusted(address)).toBe(expected));

  it('are nobody when none are named', () => expect(buildTrustedProxies([])('127.0.0.1')).toBe(false));

  it('an IPv4 peer of a dual-stack socket is its IPv4 address', () => {
    expect(toPlainAddress('::ffff:192.0.2.1')).toBe('192.0.2.1');
    expect(toPlainAddress('::ffff:c000:201')).toBe('::ffff:c000:201');
    expect(toPlainAddress('2001:db8::1')).toBe('2001:db8::1');
  });
});

describe('a peer on this machine', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('has %s', (address) => {
    expect(isLoopbackPeer(address)).toBe(true);
  });

  it.each(['', '127.', '127.999.9.9', '127.0.0.1.example.com', '::ffff:127.evil', '::ffff:10.0.0.1', '::2'])(
    'loopback-lookalike: does not have %j',
    (address) => expect(isLoopbackPeer(address)).toBe(false),
  );
});

describe('the client behind proxies', () => {
  const isTrusted = buildTrustedProxies(['10.0.0.0/8']);
  const hop = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.constantFrom('10.1.1.1', '10.2.2.2', 'unknown', '', ' ', '1.2.3.4:80', '[::1]', 'x"y', '127.0.0.1\t'),
  );

  it('is always an address, and never one that stands before an address nobody vouches for', () => {
    fc.assert(
      fc.property(fc.array(fc.array(hop, { maxLength: 5 }), { maxLength: 3 }), (lines) => {
        const values = lines.map((line) => line.join(', '));
        const client = resolveClient(buildRequest('10.9.9.9', values), isTrusted);
        const chain = client.chain.split(', ');
        expect(isIP(client.address)).not.toBe(0);
        expect(chain[0]).toBe(client.address);
        expect(chain.at(-1)).toBe('10.9.9.9');
        for (const address of chain.slice(1)) expect(isTrusted(address)).toBe(true);
      }),
    );
  });

  it('forwarded-spoofing: is the peer when the peer is not trusted, whatever it says', () => {
    fc.assert(
      fc.property(fc.array(hop), (hops) => {
        const client = resolveClient(buildRequest('203.0.113.1', [hops.join(',')]), isTrusted);
        expect(client).toEqual({ address: '203.0.113.1', chain: '203.0.113.1' });
      }),
    );
  });
});

describe('the fields we write', () => {
  it.each([
    ['192.0.2.1', 'mcp.example.com', 'for=192.0.2.1;host=mcp.example.com;proto=https'],
    ['2001:db8::1', 'mcp.example.com:8443', 'for="[2001:db8::1]";host="mcp.example.com:8443";proto=https'],
    ['192.0.2.1', '[::1]:8443', 'for=192.0.2.1;host="[::1]:8443";proto=https'],
  ])('for %s at %s are quoted where RFC 7239 wants it', (address, authority, forwarded) => {
    const request = { ...buildRequest(address), authority };
    expect(buildForwardedFields(request, { address, chain: address })).toBe(
      `x-forwarded-for: ${address}\r\nx-forwarded-proto: https\r\nx-forwarded-host: ${authority}\r\n` +
        `x-real-ip: ${address}\r\nforwarded: ${forwarded}\r\n`,
    );
  });

  it('tell of plain HTTP where it was plain', () => {
    const request = { ...buildRequest('192.0.2.1'), peer: { address: '192.0.2.1', port: 1, secure: false } };
    expect(buildForwardedFields(request, { address: '192.0.2.1', chain: '192.0.2.1' })).toContain(
      'proto=http\r\n',
    );
  });

  it.each([
    'x-forwarded',
    'x-forwarded-for',
    'x-forwarded-anything',
    'forwarded',
    'x-real-ip',
    'proxy',
    'remote-user',
    'x-auth-request-email',
    'x-ssl-client-verify',
    ...claims.map((name) => name.toLowerCase()),
  ])('%s is never taken from a client', (name) => expect(isClaimedField(name)).toBe(true));

  it.each([
    'accept',
    'authorization',
    'x-request-id',
    'mcp-session-id',
    'via',
    'proxy-x',
    'x-realip',
    'x-auth-token',
    'x-auth-key',
    'x-authorization',
    'x-api-key',
    'x-remote',
    'x-sslkey',
    'x-client-id',
    'cf-ray',
    'a-remote-user',
    'a-x-forwarded-for',
  ])('control: %s passes', (name) => {
    expect(isClaimedField(name)).toBe(false);
  });
});
