import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../src/auth/api-key.ts';
import { buildListedKeyVerifier, type FindKeyHolder } from '../../src/auth/keys/listed-keys.ts';
import { systemClock } from '../../src/lib/clock.ts';

function buildVerifier(name: string, key: string): FindKeyHolder {
  const listed = { name, sha256: toKeyHash(key), scopes: [], expiresAt: undefined };
  return buildListedKeyVerifier([listed], { clock: systemClock });
}

describe('API keys', () => {
  it('carry 256 random bits, a prefix and a checksum that secret scanners can verify', () => {
    const key = createKey(() => Buffer.alloc(32, 7));
    const [, body = '', sum] = /^bwk_([\w-]{43})_([\da-f]{8})$/.exec(key) ?? [];
    expect(Buffer.from(body, 'base64url')).toEqual(Buffer.alloc(32, 7));
    expect(Number.parseInt(sum ?? '', 16)).toBe(crc32(body));
    expect(createKey()).not.toBe(createKey());
  });

  it('are known by their digest alone', () => {
    const key = createKey();
    expect(toKeyHash(key)).toBe(createHash('sha256').update(key).digest('hex'));
    const verify = buildVerifier('ci', key);
    expect(verify(key)?.name).toBe('ci');
    expect(verify(`${key}x`)).toBeUndefined();
    expect(verify('')).toBeUndefined();
    expect(verify(toKeyHash(key))).toBeUndefined();
  });

  it('oversized-token: a long token is refused before it is hashed', () => {
    const long = 'x'.repeat(513);
    expect(buildVerifier('a', long)(long)).toBeUndefined();
    const fits = 'x'.repeat(512);
    expect(buildVerifier('a', fits)(fits)?.name).toBe('a');
  });
});
