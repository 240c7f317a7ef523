import { describe, expect, it } from 'vitest';
import { buildNetworkCheck, isLoopbackAddress, isLoopbackHost } from '../../src/lib/networks.ts';

describe('buildNetworkCheck', () => {
  const isListed = buildNetworkCheck(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', 'fd00::7', '127.0.0.0/8']);

  it.each([
    ['10.0.0.0', true],
    ['10.255.255.255', true],
    ['192.0.2.7', true],
    ['2001:db8:1::1', true],
    ['2001:0DB8:0:0::1', true],
    ['fd00::7', true],
    ['::ffff:10.0.0.1', true],
    ['::ffff:127.0.0.1', true],
    ['11.0.0.0', false],
    ['192.0.2.8', false],
    ['2001:db9::1', false],
    ['fd00::8', false],
    ['::ffff:11.0.0.1', false],
    ['127.999.9.9', false],
    ['127.0.0.1.example.com', false],
    ['10.0.0.1, 6.6.6.6', false],
    ['10.1', false],
    ['[fd00::7]', false],
    ['', false],
  ])('%s: %s', (address, expected) => expect(isListed(address)).toBe(expected));

  it('finds nothing in no networks', () => expect(buildNetworkCheck([])('127.0.0.1')).toBe(false));
});

describe('this machine', () => {
  it.each(['127.0.0.1', '127.9.9.9', '127.255.255.255', '::1'])('is at %s', (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
    expect(isLoopbackHost(address)).toBe(true);
  });

  it.each(['localhost', '[::1]'])('is the host %s, which is no address', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
    expect(isLoopbackAddress(host)).toBe(false);
  });

  it.each([
    '',
    '127.',
    '127.1',
    '127.999.9.9',
    '127.0.0.1.',
    '127.0.0.1.example.com',
    '127.0.0.1:80',
    '127.0.0.1%lo',
    'localhost.',
    'localhost.example.com',
    'app.localhost',
    '0.0.0.0',
    '::',
    '::2',
    '[::1',
    '::1%lo',
    '::ffff:127.0.0.1',
    '[::ffff:7f00:1]',
    '::127.0.0.1',
  ])('loopback-lookalike: is not %j', (text) => {
    expect(isLoopbackAddress(text)).toBe(false);
    expect(isLoopbackHost(text)).toBe(false);
  });
});
