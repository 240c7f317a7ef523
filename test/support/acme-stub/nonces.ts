import { randomBytes } from 'node:crypto';

/** Values that each vouch for the freshness of one request (RFC 8555 section 6.5). */
export interface Nonces {
  issue(): string;
  /** Takes a nonce out of circulation; false when it was never issued or has been used. */
  use(nonce: unknown): boolean;
}

/** More than a client keeps; the oldest become stale, as with a real authority. */
const mostNonces = 10_000;

export function createNonces(): Nonces {
  const fresh = new Set<string>();
  return {
    issue() {
      const nonce = randomBytes(16).toString('base64url');
      fresh.add(nonce);
      const [oldest] = fresh;
      if (fresh.size > mostNonces && oldest !== undefined) fresh.delete(oldest);
      return nonce;
    },
    use: (nonce) => typeof nonce === 'string' && fresh.delete(nonce),
  };
}
