import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toAddressGroup } from '../../src/lib/address-group.ts';
import { createLimits } from '../../src/limits/limits.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('the group of an address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::', '2001:db8:1:0::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8:0:0:1::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3::4:5:6:7', '1:2:3:0::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:192.0.2.1', '192.0.2.1'],
    ['unix', 'unix'],
    ['1:2', '1:2'],
    ['1:2:3:4:5:6:7:8:9::', '1:2:3:4::/64'],
  ])('of %s is %s', (address, group) => {
    expect(toAddressGroup(address)).toBe(group);
  });

  it('is the same for every spelling and every host of a network', () => {
    const part = fc.integer({ min: 0, max: 0xffff });
    const address = fc.tuple(fc.integer({ min: 1, max: 0xfffe }), part, part, part);
    fc.assert(
      fc.property(address, fc.array(part, { minLength: 4, maxLength: 4 }), (network, host) => {
        const hex = [...network, ...host].map((each) => each.toString(16));
        const long = hex.map((each) => each.padStart(4, '0').toUpperCase()).join(':');
        const canonical = new URL(`http://[${long}]`).hostname.slice(1, -1);
        const group = `${hex.slice(0, 4).join(':')}::/64`;
        expect([hex.join(':'), long, canonical].map(toAddressGroup)).toEqual([group, group, group]);
      }),
    );
  });
});

describe('attack: an address of one /64 for each request', () => {
  const admitted = (addresses: readonly string[]): number => {
    const limits = createLimits({
      rates: [{ per: 'address', requests: 10, within: 1000, routes: [], tools: [] }],
      concurrency: [],
      clock: new ManualClock(0),
    });
    return addresses.filter((address) => limits.admitUnauthenticated(address) === undefined).length;
  };
  const numbers = Array.from({ length: 1000 }, (_, at) => (at + 1).toString(16));

  it('counts as one', () => {
    expect(admitted(numbers.map((at) => `2001:db8:1:2::${at}`))).toBe(10);
    expect(admitted(numbers.map((at) => `2001:db8:1:2:${at}:1:2:3`))).toBe(10);
    expect(
      admitted(['::ffff:192.0.2.1', '192.0.2.1', '::ffff:c000:201'].flatMap((a) => Array(9).fill(a))),
    ).toBe(10);
  });

  it('control: another network counts apart', () => {
    expect(admitted(numbers.map((at) => `2001:db8:1:${at}::1`))).toBe(1000);
  });
});
