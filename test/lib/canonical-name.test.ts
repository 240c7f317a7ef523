import { array, assert, integer, property } from 'fast-check';
import { expect, it } from 'vitest';
import { toCanonicalName } from '../../src/lib/canonical-name.ts';

it.each([
  ['MCP.Test.', 'mcp.test'],
  ['127.0.0.1', '127.0.0.1'],
  ['0:0::0', '::'],
  ['::0001', '::1'],
  ['FE80::1:2', 'fe80::1:2'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:1.2.3.4', '::ffff:102:304'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
])('writes %s as %s', (name, canonical) => {
  expect(toCanonicalName(name)).toBe(canonical);
});

it('writes every spelling of the same IPv6 address alike', () => {
  assert(
    property(array(integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
      const short = groups.map((group) => group.toString(16)).join(':');
      const full = groups.map((group) => group.toString(16).padStart(4, '0').toUpperCase()).join(':');
      expect(toCanonicalName(full)).toBe(toCanonicalName(short));
      expect(toCanonicalName(toCanonicalName(full))).toBe(toCanonicalName(full));
    }),
  );
});
