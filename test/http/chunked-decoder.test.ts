import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkedDecoder } from '../../src/http/chunked-decoder.ts';

function decode(
  text: string,
  options = { skipsTrailers: false, step: 0 },
): { body: string; done: boolean; rest: string } | undefined {
  const decoder = new ChunkedDecoder({ skipsTrailers: options.skipsTrailers });
  const bytes = Buffer.from(text, 'latin1');
  let body = '';
  let at = 0;
  const step = options.step === 0 ? bytes.length : options.step;
  while (at < bytes.length && !decoder.done) {
    const used = decoder.decode(bytes.subarray(at, at + step), 0, (piece) => {
      body += piece.toString('latin1');
    });
    if (used === undefined) return undefined;
    at += used;
  }
  return { body, done: decoder.done, rest: text.slice(at) };
}

describe('ChunkedDecoder', () => {
  it('joins chunks and stops behind the last one', () => {
    expect(decode('2\r\nab\r\n1\r\nc\r\n0\r\n\r\nGET /')).toEqual({ body: 'abc', done: true, rest: 'GET /' });
  });

  it.each([
    ['extension', '2;a=b\r\nab\r\n0\r\n\r\n'],
    ['bare semicolon', '2;\r\nab\r\n0\r\n\r\n'],
    ['LF line end', '2\nab\r\n0\r\n\r\n'],
    ['0x prefix', '0x2\r\nab\r\n0\r\n\r\n'],
    ['space before', ' 2\r\nab\r\n0\r\n\r\n'],
    ['space behind', '2 \r\nab\r\n0\r\n\r\n'],
    ['spill', '2\r\nabcd\r\n0\r\n\r\n'],
    ['overflow', '10000000000000002\r\nab\r\n0\r\n\r\n'],
    ['no size', '\r\nab\r\n0\r\n\r\n'],
    ['trailer', '2\r\nab\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ])('smuggling by chunk framing: %s', (_name, text) => {
    expect(decode(text)).toBeUndefined();
  });

  it('skips trailers of a response', () => {
    const text = '2\r\nab\r\n0\r\nX-Sum: 5\r\nY: 1\r\n\r\n';
    expect(decode(text, { skipsTrailers: true, step: 0 })).toEqual({ body: 'ab', done: true, rest: '' });
  });

  it('gives the same body however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 40 })),
        fc.integer({ min: 1, max: 9 }),
        (pieces, step) => {
          const latin = pieces.map((piece) => Buffer.from(piece).toString('latin1'));
          const text = `${latin.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
          expect(decode(text, { skipsTrailers: false, step })).toEqual({
            body: latin.join(''),
            done: true,
            rest: '',
          });
        },
      ),
    );
  });
});
