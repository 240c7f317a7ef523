import { expect, it } from 'vitest';
import { toReverseName } from '../../../src/tls/acme/reverse-name.ts';

it.each([
  ['127.0.0.1', '1.0.0.127.in-addr.arpa'],
  ['192.0.2.45', '45.2.0.192.in-addr.arpa'],
  // RFC 3596 section 2.5.
  ['4321:0:1:2:3:4:567:89ab', 'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa'],
  ['::1', `1.${'0.'.repeat(31)}ip6.arpa`],
  ['2001:db8::', `${'0.'.repeat(24)}8.b.d.0.1.0.0.2.ip6.arpa`],
  ['::ffff:192.0.2.1', `1.0.2.0.0.0.0.c.f.f.f.f.${'0.'.repeat(20)}ip6.arpa`],
])('turns %s into %s', (address, name) => {
  expect(toReverseName(address)).toBe(name);
});
