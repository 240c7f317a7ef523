import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProxyHeader } from '../../src/http/proxy-protocol.ts';

const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function version2(command: number, family: number, body: Buffer): Buffer {
  const head = Buffer.from([command, family, 0, 0]);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([signature, head, body]);
}

describe('PROXY protocol', () => {
  it('reads version 1', () => {
    const text = 'PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n';
    expect(parseProxyHeader(Buffer.from(`${text}rest`))).toEqual({
      kind: 'header',
      length: text.length,
      source: { address: '192.0.2.1', port: 5000 },
    });
  });

  it('reads version 2 over IPv4 and IPv6, and LOCAL', () => {
    const four = Buffer.from([192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0x88, 1, 187]);
    expect(parseProxyHeader(version2(0x21, 0x11, four))).toEqual({
      kind: 'header',
      length: 28,
      source: { address: '192.0.2.1', port: 5000 },
    });
    const six = Buffer.alloc(36);
    six[15] = 1;
    six.writeUInt16BE(5000, 32);
    expect(parseProxyHeader(version2(0x21, 0x21, six))).toMatchObject({
      source: { address: '0:0:0:0:0:0:0:1', port: 5000 },
    });
    expect(parseProxyHeader(version2(0x20, 0x00, Buffer.alloc(0)))).toMatchObject({ source: undefined });
  });

  it.each([
    'GET / HTTP/1.1\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 5000\r\n',
    'PROXY TCP4 ::1 ::1 5000 443\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 5000 99999\r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`,
  ])('refuses %j', (text) => {
    expect(parseProxyHeader(Buffer.from(text))).toEqual({ kind: 'malformed' });
  });

  it('waits for the whole header at every cut, and never throws', () => {
    const header = version2(0x21, 0x11, Buffer.from([192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0x88, 1, 187]));
    for (let cut = 0; cut < header.length; cut++)
      expect(parseProxyHeader(header.subarray(0, cut)).kind).toBe('incomplete');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseProxyHeader(Buffer.from(bytes))),
    );
  });
});
