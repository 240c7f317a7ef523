import { createHash } from 'node:crypto';

const PIECE_BYTES = 64 * 1024;
/** A prime, so that no piece is like the one before and a lost one shows. */
const PERIOD = 65_521;

/** So many bytes of all values in an order that never falls in step with buffers, piece by piece. */
export function* buildPattern(bytes: number): Iterable<Buffer> {
  const period = Buffer.from(
    Array.from({ length: PERIOD }, (_, index) => (index * 31 + (index >> 8)) & 0xff),
  );
  const twice = Buffer.concat([period, period, period]);
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, bytes - at);
    yield twice.subarray(at % PERIOD, (at % PERIOD) + length);
  }
}

/** SHA-256 of the pattern, in hex. */
export function digestPattern(bytes: number): string {
  const hash = createHash('sha256');
  for (const piece of buildPattern(bytes)) hash.update(piece);
  return hash.digest('hex');
}
