import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatByteSize, parseByteSize } from '../../src/lib/byte-size.ts';

describe('sizes', () => {
  it.each([
    ['512B', 512],
    ['16KiB', 16_384],
    ['8MiB', 8_388_608],
    ['1GiB', 1_073_741_824],
  ])('reads %s', (text, bytes) => {
    expect(parseByteSize(text)).toEqual({ ok: true, value: bytes });
  });

  it.each(['', '16', '16KB', '16kib', '1.5MiB', '-1B', ' 1B', '999999999999999GiB'])('refuses %j', (text) => {
    expect(parseByteSize(text).ok).toBe(false);
  });

  it('writes what it reads', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 - 1 }), (bytes) => {
        expect(parseByteSize(formatByteSize(bytes))).toEqual({ ok: true, value: bytes });
      }),
    );
    expect(formatByteSize(262_144)).toBe('256KiB');
  });
});
