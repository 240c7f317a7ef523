import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

export interface StoredKey {
  readonly name: string;
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
}

const PREFIX = 'bwk_';
/** What is longer is refused unread; keys that operators made themselves may be longer than ours. */
export const maxKeyLength = 512;

/**
 * Makes a new key: a prefix and a checksum let secret scanners recognise a leaked one, 256 random bits make
 * guessing hopeless, which is also why a plain SHA-256 is enough to store it.
 */
export function createKey(random: (size: number) => Buffer = randomBytes): string {
  const body = random(32).toString('base64url');
  return `${PREFIX}${body}_${crc32(body).toString(16).padStart(8, '0')}`;
}

/** Whether a text has the form of our keys and the right checksum: what was mistyped or guessed is refused without hashing. */
export function isWellFormedKey(text: string): boolean {
  const [, body, sum] = /^bwk_([\w-]{43})_([\da-f]{8})$/.exec(text) ?? [];
  return body !== undefined && sum !== undefined && crc32(body) === Number.parseInt(sum, 16);
}

/** The form in which a key is stored. */
export function toKeyHash(key: string): string {
  return hash('sha256', key, 'hex');
}
