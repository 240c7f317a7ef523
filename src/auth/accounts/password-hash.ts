import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';

/** Parameters of scrypt (RFC 7914). */
export interface ScryptCost {
  /** Base-2 logarithm of N. */
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** Derives a key from a password; tests bring their own. */
export type DeriveKey = (password: string, salt: Buffer, cost: ScryptCost) => Promise<Buffer>;

/** 128 MiB and a good part of a second for each guess (OWASP Password Storage Cheat Sheet). */
export const defaultCost: ScryptCost = { logN: 17, r: 8, p: 1 };

const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** What a record may demand at most: 1 GiB. */
const MAX_BYTES = 2 ** 30;

export const deriveWithScrypt: DeriveKey = (password, salt, { logN, r, p }) => {
  const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: MAX_BYTES + 2 ** 20 };
  return new Promise((resolve, reject) => {
    // Where nothing went wrong, Node says null and Bun undefined.
    scrypt(password, salt, KEY_BYTES, options, (error, key) =>
      error instanceof Error ? reject(error) : resolve(key),
    );
  });
};

/** Hashes a password with a salt of its own, in the PHC string format: `$scrypt$ln=17,r=8,p=1$SALT$KEY`. */
export async function hashPassword(password: string, cost: ScryptCost, derive: DeriveKey): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, cost);
  const { logN, r, p } = cost;
  return `$scrypt$ln=${logN},r=${r},p=${p}$${toBase64(salt)}$${toBase64(key)}`;
}

/** Whether a password is the one that was hashed; false for a hash that cannot be read. */
export async function matchesHash(password: string, hash: string, derive: DeriveKey): Promise<boolean> {
  const parsed = parseHash(hash);
  if (parsed === undefined) return false;
  const key = await derive(password, parsed.salt, parsed.cost);
  return key.length === parsed.key.length && timingSafeEqual(key, parsed.key);
}

function parseHash(
  hash: string,
): { readonly cost: ScryptCost; readonly salt: Buffer; readonly key: Buffer } | undefined {
  const form = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/-]+)\$([\w+/-]+)$/;
  const [, logN = '', r = '', p = '', salt, key] = form.exec(hash) ?? [];
  if (salt === undefined || key === undefined) return undefined;
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  if (128 * 2 ** cost.logN * cost.r * cost.p > MAX_BYTES) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

/** Base64 without padding, as PHC strings have it. */
function toBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
