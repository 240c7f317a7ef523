import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isConfiguredAddress,
  isOwnAddress,
  isPublicAddress,
  toPlainAddress,
} from '../../../src/auth/fetch/address-policy.ts';

/** First and last address of each special range, and what lies just outside where that is public. */
const ranges: readonly (readonly [name: string, inside: readonly string[], outside: readonly string[]])[] = [
  ['this network', ['0.0.0.0', '0.255.255.255'], ['1.0.0.0']],
  ['private 10', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0']],
  ['carrier-grade NAT', ['100.64.0.0', '100.127.255.255'], ['100.63.255.255', '100.128.0.0']],
  ['loopback', ['127.0.0.0', '127.255.255.255'], ['126.255.255.255', '128.0.0.0']],
  ['link-local', ['169.254.0.0', '169.254.169.254', '169.254.255.255'], ['169.253.255.255', '169.255.0.0']],
  ['private 172.16', ['172.16.0.0', '172.31.255.255'], ['172.15.255.255', '172.32.0.0']],
  ['protocol assignments', ['192.0.0.0', '192.0.0.192', '192.0.0.255'], ['192.0.1.0']],
  ['documentation 1', ['192.0.2.0', '192.0.2.255'], ['192.0.1.255', '192.0.3.0']],
  ['AS112 1', ['192.31.196.0', '192.31.196.255'], ['192.31.195.255', '192.31.197.0']],
  ['AMT', ['192.52.193.0', '192.52.193.255'], ['192.52.192.255', '192.52.194.0']],
  ['6to4 relays', ['192.88.99.0', '192.88.99.255'], ['192.88.98.255', '192.88.100.0']],
  ['private 192.168', ['192.168.0.0', '192.168.255.255'], ['192.167.255.255', '192.169.0.0']],
  ['AS112 2', ['192.175.48.0', '192.175.48.255'], ['192.175.47.255', '192.175.49.0']],
  ['benchmarking', ['198.18.0.0', '198.19.255.255'], ['198.17.255.255', '198.20.0.0']],
  ['documentation 2', ['198.51.100.0', '198.51.100.255'], ['198.51.99.255', '198.51.101.0']],
  ['documentation 3', ['203.0.113.0', '203.0.113.255'], ['203.0.112.255', '203.0.114.0']],
  ['multicast', ['224.0.0.0', '239.255.255.255'], ['223.255.255.255']],
  ['reserved and broadcast', ['240.0.0.0', '255.255.255.254', '255.255.255.255'], []],
  ['Azure metadata', ['168.63.129.16'], ['168.63.129.15', '168.63.129.17']],
  ['unspecified and compatible', ['::', '::1', '::2', '::7f00:1', '::127.0.0.1', '::8.8.8.8'], []],
  ['IPv4-translated', ['::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'], []],
  ['local NAT64', ['64:ff9b:1::', '64:ff9b:1::7f00:1', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'], []],
  ['discard and dummy', ['100::', '100::ffff:ffff:ffff:ffff', '100:0:0:1::1'], []],
  ['below and above global unicast', ['1fff:ffff::1', '4000::1', '5f00::1', '0200::1'], ['2000::1']],
  ['protocol assignments with Teredo', ['2001::', '2001:0:a00:1::', '2001:1ff:ffff::1'], ['2001:200::1']],
  ['documentation v6', ['2001:db8::', '2001:db8:ffff:ffff::1'], ['2001:db7:ffff::1', '2001:db9::1']],
  ['6to4', ['2002::', '2002:7f00:1::1', '2002:a00:1::', '2002:ffff::1'], ['2003::1']],
  ['AS112 v6', ['2620:4f:8000::', '2620:4f:8000:ffff::1'], ['2620:4f:7fff::1', '2620:4f:8001::1']],
  ['documentation v6, new', ['3fff::', '3fff:fff:ffff::1'], ['3ffe:ffff::1', '3fff:1000::1']],
  ['unique local', ['fc00::', 'fd00:ec2::254', 'fd20:ce::254', 'fdff:ffff::1'], []],
  ['link-local v6', ['fe80::1', 'febf:ffff::1', 'fe80::1%eth0'], []],
  ['site-local', ['fec0::1', 'feff::1'], []],
  ['multicast v6', ['ff00::', 'ff02::1', 'ffff::1'], []],
];

describe('addresses of public targets', () => {
  it.each(ranges)('ssrf: nothing of %s', (_name, inside, outside) => {
    for (const address of inside) expect(isPublicAddress(address), address).toBe(false);
    // The control: a range that is drawn too wide is as wrong as one that is missing.
    for (const address of outside) expect(isPublicAddress(address), address).toBe(true);
  });

  it('control: public hosts pass', () => {
    for (const address of ['1.1.1.1', '8.8.8.8', '2606:4700::6810:84e5', '2a00:1450:4001:80b::200e']) {
      expect(isPublicAddress(address), address).toBe(true);
    }
  });

  it.each([
    '',
    'localhost',
    '127.1',
    '0x7f.1',
    '2130706433',
    '1.2.3.4.5',
    '8.8.8.8 ',
    '8.8.8.8%1',
    '[::1]',
    '2606:4700::1%eth0',
  ])('not-an-address: %j is nothing to connect to', (text) => {
    expect(isPublicAddress(text)).toBe(false);
    expect(isConfiguredAddress(text)).toBe(false);
    expect(isOwnAddress(text)).toBe(false);
  });

  it('embedded-ipv4: mapped and NAT64 addresses are judged like the address they carry', () => {
    const special = ranges.flatMap(([, inside]) => inside).filter((address) => /^[\d.]+$/.test(address));
    const open = ranges.flatMap(([, , outside]) => outside).filter((address) => /^[\d.]+$/.test(address));
    expect(special.length).toBeGreaterThan(30);
    for (const prefix of ['::ffff:', '0:0:0:0:0:FFFF:', '64:ff9b::', '64:FF9B:0:0:0:0:']) {
      for (const address of special) expect(isPublicAddress(prefix + address), prefix + address).toBe(false);
      for (const address of open) expect(isPublicAddress(prefix + address), prefix + address).toBe(true);
    }
  });

  it('holds for every IPv4 address: what it says of one, it says of each dress of it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const judged = isPublicAddress(address);
        expect(isPublicAddress(`::ffff:${address}`)).toBe(judged);
        expect(isPublicAddress(`64:ff9b::${address}`)).toBe(judged);
        expect(isPublicAddress(`::${address}`)).toBe(false);
        expect(isPublicAddress(`64:ff9b:1::${address}`)).toBe(false);
        expect(toPlainAddress(`::ffff:${address}`)).toBe(address);
      }),
    );
  });
});

describe('addresses of configured targets', () => {
  it.each([
    '0.0.0.0',
    '::',
    '::7f00:1',
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a9fe:a9fe',
    '::ffff:0:a9fe:a9fe',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    'fe80::1',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '2002:a9fe:a9fe::1',
  ])('cloud-metadata and link addresses: never %s', (address) => {
    expect(isConfiguredAddress(address)).toBe(false);
  });

  it.each([
    '127.0.0.1',
    '::1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fd12::1',
    '8.8.8.8',
    '::ffff:10.0.0.1',
    '2606:4700::1',
  ])('control: %s is where an identity provider may live', (address) => {
    expect(isConfiguredAddress(address)).toBe(true);
  });

  it('tells this machine from all others', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '0:0::1', '::ffff:127.0.0.1']) {
      expect(isOwnAddress(address), address).toBe(true);
    }
    for (const address of [
      '0.0.0.0',
      '10.0.0.1',
      '::',
      '::2',
      '::127.0.0.1',
      '128.0.0.1',
      '64:ff9b::7f00:1',
      '127.999.9.9',
      '127.0.0.1.example.com',
    ]) {
      expect(isOwnAddress(address), address).toBe(false);
    }
  });
});
