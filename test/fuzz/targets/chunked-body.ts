import { ChunkedDecoder } from '../../../src/http/chunked-decoder.ts';
import { buildChunks } from '../grammar.ts';
import { cut, cuttings, type Cutting } from '../pieces.ts';
import { readChunks } from '../reference/chunks.ts';
import { hold, type FuzzTarget } from '../target.ts';

type CreateDecoder = (options: {
  readonly skipsTrailers: boolean;
}) => Pick<ChunkedDecoder, 'decode' | 'done'>;

/** The decoder of chunked coding beside patterns on the whole text, whatever the pieces it arrives in. */
export function createChunkedBodyTarget(
  create: CreateDecoder = (options) => new ChunkedDecoder(options),
): FuzzTarget {
  return {
    name: 'chunked-body',
    seeds: ['5\r\nhello\r\n0\r\n\r\n', '1\r\nx\r\n0\r\nTrailer: 1\r\n\r\n'],
    tokens: [
      '\r\n',
      '\r',
      '\n',
      '0\r\n\r\n',
      '0',
      'f',
      'FFFFFFFF',
      '00000000',
      '100000000',
      ';',
      ';x=1',
      ' ',
      '\0',
      'X: 1\r\n',
    ],
    generate: (random) =>
      buildChunks(
        random,
        random.repeat(0, 20, () => String.fromCharCode(random.below(256))),
      ),
    maxBytes: 400,
    check(input) {
      const outcomes: string[] = [];
      for (const skipsTrailers of [false, true]) {
        const expected = readChunks(input.toString('latin1'), skipsTrailers);
        for (const cutting of cuttings) {
          const seen = decode(create({ skipsTrailers }), input, cutting);
          const show = (): unknown => ({
            input: input.toString('latin1'),
            skipsTrailers,
            cutting,
            seen,
            expected,
          });
          hold(seen.kind === expected.kind, 'it takes what the patterns take', show);
          if (seen.kind === 'malformed' || expected.kind === 'malformed') continue;
          hold(seen.body === expected.body, 'the body is that of the patterns', show);
          if (expected.kind === 'whole') hold(seen.used === expected.used, 'it ends where it ends', show);
        }
        const size = 'body' in expected ? Math.min(8, expected.body.length) : 0;
        outcomes.push(`${expected.kind} ${size}`);
      }
      return outcomes.join(', ');
    },
  };
}

function decode(
  decoder: ReturnType<CreateDecoder>,
  input: Buffer,
  cutting: Cutting,
): { kind: string; body: string; used: number } {
  let body = '';
  let used = 0;
  for (const piece of cut(input, cutting)) {
    if (decoder.done) break;
    const end = decoder.decode(piece, 0, (bytes) => (body += bytes.toString('latin1')));
    if (end === undefined) return { kind: 'malformed', body, used };
    used += end;
  }
  return { kind: decoder.done ? 'whole' : 'incomplete', body, used };
}
