import type { Random } from './random.ts';

const MAX_MUTATIONS = 6;
const MAX_RUN = 24;
/** Numbers next to which sizes and counters go wrong. */
const numbers = [
  '0',
  '1',
  '-1',
  '+1',
  '00',
  '0x1',
  '255',
  '256',
  '65535',
  '65536',
  '2147483648',
  '4294967296',
];
const bytesOfInterest = [
  0x00, 0x09, 0x0a, 0x0b, 0x0d, 0x20, 0x22, 0x2c, 0x3a, 0x5c, 0x7f, 0x80, 0xa0, 0xc0, 0xff,
];

export interface MutationOptions {
  readonly tokens: readonly string[];
  /** Other inputs, to take pieces from. */
  readonly others: readonly Buffer[];
  readonly maxBytes: number;
}

/** One to six random changes of an input: bytes, bits, runs, tokens and pieces of other inputs. */
export function mutate(random: Random, input: Buffer, options: MutationOptions): Buffer {
  let bytes = input;
  // Few changes more often than many: an input with one fault gets deeper than one with six.
  const count = 1 + Math.min(random.below(MAX_MUTATIONS), random.below(MAX_MUTATIONS));
  for (let round = 0; round < count; round++) bytes = mutateOnce(random, bytes, options);
  return bytes.length > options.maxBytes ? bytes.subarray(0, options.maxBytes) : bytes;
}

function mutateOnce(random: Random, bytes: Buffer, options: MutationOptions): Buffer {
  const at = random.below(bytes.length + 1);
  const run = 1 + random.below(Math.min(MAX_RUN, bytes.length - at));
  switch (random.below(14)) {
    case 0:
      return flipBit(random, bytes);
    case 1:
      return splice(bytes, at, 1, Buffer.of(random.below(256)));
    case 2:
      return splice(bytes, at, random.below(2), Buffer.of(random.pick(bytesOfInterest)));
    case 3:
      return splice(bytes, at, 1);
    case 4:
      return splice(bytes, at, run);
    case 5:
      return splice(bytes, at, 0, bytes.subarray(at, at + run));
    case 6: {
      const other = random.below(bytes.length + 1);
      return splice(bytes, other, 0, bytes.subarray(at, at + run));
    }
    case 7: {
      const donor = random.pick(options.others);
      const from = random.below(donor.length + 1);
      return splice(bytes, at, random.oneIn(2) ? run : 0, donor.subarray(from, from + 1 + random.below(48)));
    }
    case 8:
      return Buffer.concat([bytes.subarray(0, at), random.pick(options.others)]);
    case 9:
      return splice(bytes, at, random.oneIn(2) ? run : 0, Buffer.from(random.pick(numbers)));
    case 10:
    case 11:
      return changeLine(random, bytes, at);
    default:
      return splice(bytes, at, random.oneIn(3) ? run : 0, Buffer.from(random.pick(options.tokens), 'latin1'));
  }
}

function flipBit(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

/** Writes the line around a place twice, leaves it out, or moves it to the end: how headers come to contradict each other. */
function changeLine(random: Random, bytes: Buffer, at: number): Buffer {
  const start = at === 0 ? 0 : bytes.lastIndexOf('\n', at - 1) + 1;
  const next = bytes.indexOf('\n', at);
  const end = next < 0 ? bytes.length : next + 1;
  const line = bytes.subarray(start, end);
  switch (random.below(4)) {
    case 0:
      return splice(bytes, start, line.length);
    case 1:
      return Buffer.concat([splice(bytes, start, line.length), line]);
    default:
      return splice(bytes, end, 0, line);
  }
}

const nothing = Buffer.alloc(0);

function splice(bytes: Buffer, at: number, removed: number, inserted: Buffer = nothing): Buffer {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
}
