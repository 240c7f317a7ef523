import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Finds the name behind a key, or `undefined`. */
export type KeyVerifier = (key: string) => string | undefined;

export interface StoredKey {
  readonly name: string;
  /** Lower-case hex SHA-256 of the key. */
  readonly sha256: string;
}

const PREFIX = 'bwk_';
const MAX_KEY_LENGTH = 512;

/**
 * Makes a new key: a prefix and a checksum let secret scanners recognise a leaked one, 256 random bits make
 * guessing hopeless, which is also why a plain SHA-256 is enough to store it.
 */
export function createKey(random: (size: number) => Buffer = randomBytes): string {
  const body = random(32).toString('base64url');
  return `${PREFIX}${body}_${crc32(body).toString(16).padStart(8, '0')}`;
}

/** The form in which a key is stored. */
export function toKeyHash(key: string): string {
  return hash('sha256', key, 'hex');
}

/** Builds the check for a set of keys. It compares digests, so timing tells nothing about a key (CVE-2026-21713 class). */
export function buildKeyVerifier(keys: readonly StoredKey[]): KeyVerifier {
  const names = new Map(keys.map((key) => [key.sha256, key.name]));
  return (key) => (key.length > MAX_KEY_LENGTH ? undefined : names.get(toKeyHash(key)));
}
