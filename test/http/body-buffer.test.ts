import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyBuffer } from '../../src/http/body-buffer.ts';

describe('a body in pieces', () => {
  it('comes out as it went in, whatever the pieces', () => {
    const body = new BodyBuffer(200);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (pieces) => {
        for (const piece of pieces) body.append(Buffer.from(piece));
        const whole = Buffer.concat(pieces);
        expect(body.length).toBe(whole.length);
        expect(body.take().equals(whole)).toBe(true);
        expect(body.length).toBe(0);
      }),
    );
  });

  it('is not copied when it is one piece', () => {
    const piece = Buffer.from('whole');
    const body = new BodyBuffer(100);
    body.append(piece);
    expect(body.take().buffer).toBe(piece.buffer);
  });

  it('is not mixed up with the one before, which may still be in use', () => {
    const body = new BodyBuffer(100);
    for (const piece of ['a', 'b']) body.append(Buffer.from(piece));
    const first = body.take();
    for (const piece of ['c', 'd']) body.append(Buffer.from(piece));
    expect([first.toString(), body.take().toString()]).toEqual(['ab', 'cd']);
  });

  it('memory-amplification: takes no more than twice its bytes, nor more than the limit provides for', () => {
    const body = new BodyBuffer(1000);
    for (let count = 0; count < 1000; count++) body.append(Buffer.from('x'));
    expect(body.take().buffer.byteLength).toBeLessThanOrEqual(1000);
  });
});
