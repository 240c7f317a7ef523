import { describe, expect, it } from 'vitest';
import { HeadMemo } from '../../src/http/head-memo.ts';

const head = Buffer.from('GET / HTTP/1.1\r\n\r\n');

function remember(): HeadMemo<string> {
  const memo = new HeadMemo<string>();
  memo.keep(head, head.length, 'first');
  memo.keep(Buffer.concat([head, Buffer.from('body')]), head.length, 'second');
  return memo;
}

describe('the memory of a head', () => {
  it('holds nothing for a connection with a single request', () => {
    const memo = new HeadMemo<string>();
    expect(memo.match(head)).toBe(0);
    memo.keep(head, head.length, 'first');
    expect(memo.match(head)).toBe(0);
  });

  it('knows the bytes again, whatever follows them', () => {
    const memo = remember();
    expect(memo.match(head)).toBe(head.length);
    expect(memo.match(Buffer.concat([head, Buffer.from('another body')]))).toBe(head.length);
    expect(memo.head).toBe('second');
  });

  it('knows nothing shorter, and nothing that differs in one byte', () => {
    const memo = remember();
    expect(memo.match(head.subarray(0, -1))).toBe(0);
    for (let index = 0; index < head.length; index++) {
      const changed = Buffer.from(head);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(memo.match(changed)).toBe(0);
    }
  });

  it('has a copy of its own: the buffer that was read into may change', () => {
    const memo = new HeadMemo<string>();
    const shared = Buffer.from(head);
    memo.keep(shared, head.length, 'first');
    memo.keep(shared, head.length, 'second');
    shared.fill('x');
    expect(memo.match(head)).toBe(head.length);
  });
});
