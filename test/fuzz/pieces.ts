import { Random, toSeed } from './random.ts';

/** One way in which a network may cut an input. */
export type Cutting = 'whole' | 'bytes' | 'random';

export const cuttings: readonly Cutting[] = ['whole', 'bytes', 'random'];

/** The input in pieces; where the random ones are cut follows from the input alone. */
export function cut(input: Buffer, cutting: Cutting): Buffer[] {
  if (cutting === 'whole') return [input];
  const random = new Random(toSeed(input));
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const length = cutting === 'bytes' ? 1 : 1 + random.below(random.oneIn(3) ? 3 : input.length);
    // A copy, because a reader must not count on what lies behind its piece.
    pieces.push(Buffer.from(input.subarray(at, at + length)));
    at += length;
  }
  return pieces;
}
