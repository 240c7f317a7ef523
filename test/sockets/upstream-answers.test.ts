import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig } from '../support/rig.ts';
import type { Answer } from '../support/scripted-upstream.ts';

function answerRaw(text: string): Answer {
  return ({ socket }) => void socket.write(Buffer.from(text, 'latin1'));
}

const ok = 'HTTP/1.1 200 OK\r\n';
const long = (size: number): string => 'x'.repeat(size);

/** A head of exactly `size` bytes, its empty line included. */
function headOf(size: number): string {
  const fixed = `${ok}Content-Length: 2\r\nX-Long: \r\n\r\n`;
  return fixed.replace('X-Long: ', `X-Long: ${long(size - fixed.length)}`);
}

const malformed: [string, string][] = [
  [
    'response-smuggling: a length and chunks',
    `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'response-smuggling: chunks and a length',
    `${ok}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  ],
  ['two lengths', `${ok}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
  ['a list of lengths', `${ok}Content-Length: 2, 2\r\n\r\n{}`],
  ['a signed length', `${ok}Content-Length: +2\r\n\r\n{}`],
  ['a negative length', `${ok}Content-Length: -1\r\n\r\n`],
  ['a hexadecimal length', `${ok}Content-Length: 0x2\r\n\r\n{}`],
  ['an empty length', `${ok}Content-Length:\r\n\r\n`],
  ['a length beyond exact numbers', `${ok}Content-Length: 99999999999999999999\r\n\r\n`],
  ['another coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  ['an unknown coding', `${ok}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  ['chunked twice', `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 2\n\n{}'],
  ['one bare line feed', `${ok}X: 1\nContent-Length: 2\r\n\r\n{}`],
  ['a bare carriage return', `${ok}X: 1\rY: 2\r\nContent-Length: 2\r\n\r\n{}`],
  ['a folded line', `${ok}X: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}`],
  ['a NUL', `${ok}X: \0\r\nContent-Length: 2\r\n\r\n{}`],
  ['a space before the colon', `${ok}Content-Length : 2\r\n\r\n{}`],
  ['a name with a space', `${ok}X Y: 2\r\nContent-Length: 2\r\n\r\n{}`],
  ['a line without a colon', `${ok}Content-Length\r\n\r\n`],
  ['an empty name', `${ok}: 2\r\n\r\n`],
  ['a first line that is a field', 'Content-Length: 2\r\n\r\n{}'],
  ['HTTP/0.9', '<html></html>\r\n\r\n'],
  ['HTTP/2 over HTTP/1', 'HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
  ['lower case', 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['ICY', 'ICY 200 OK\r\n\r\n'],
  ['status 99', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n'],
  ['status 1000', 'HTTP/1.1 1000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['two spaces before the status', 'HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a line break before the head', `\r\n${ok}Content-Length: 2\r\n\r\n{}`],
  ['101', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n'],
  ['101 after 100', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['201 fields', `${ok}${'x: y\r\n'.repeat(200)}Content-Length: 2\r\n\r\n{}`],
  ['a head of 70 KiB', headOf(70 * 1024)],
  ['a head of 64 KiB and one byte', headOf(64 * 1024 + 1)],
  ['a head without an end', `${ok}X: ${long(70_000)}`],
];

describe("an upstream's answer that is not strict HTTP/1.1", () => {
  it.each(malformed)(
    '%s: 502 with the id of the request, and the connection is not used again',
    async (_name, text) => {
      for (const pieces of [1, 3]) {
        await using rig = await startRig({
          answer({ socket }) {
            if (pieces === 1) {
              socket.write(Buffer.from(text, 'latin1'));
              return;
            }
            const third = Math.ceil(text.length / 3);
            for (let at = 0; at < text.length; at += third) {
              setTimeout(() => socket.write(Buffer.from(text.slice(at, at + third), 'latin1')), at / third);
            }
          },
        });
        const answer = await rig.ask(buildPost(buildCall({ id: 'me' })));
        expect(answer.status).toBe(502);
        expect(JSON.parse(answer.body)).toMatchObject({
          id: 'me',
          error: { data: { reason: 'E_UPSTREAM_BAD_RESPONSE' } },
        });
        expect(answer.head).not.toContain('x-long');
        await rig.idle();
      }
    },
  );

  it.each([
    ['a size that is no number', '2\r\n{}\r\nzz\r\n'],
    ['a chunk extension', '2\r\n{}\r\n1;a=b\r\nx\r\n0\r\n\r\n'],
    ['a chunk longer than its size', '2\r\n{}xx\r\n0\r\n\r\n'],
    ['a size of nine digits', '2\r\n{}\r\n000000001\r\nx\r\n'],
    ['bare line feeds', '2\n{}\n0\n\n'],
  ])('%s breaks the client off, so that it sees the answer is not whole', async (_name, body) => {
    await using rig = await startRig({ answer: answerRaw(`${ok}Transfer-Encoding: chunked\r\n\r\n${body}`) });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    expect(await client.closed()).not.toMatch(/\r\n0\r\n\r\n$/);
    using h2 = await connectH2(rig.gateway);
    const exchange = h2.post(buildCall());
    const { ended } = await exchange.closed();
    expect(ended).toBe(false);
    h2.session.destroy();
    await rig.idle();
  });
});

describe('control: an answer that is unusual but strict', () => {
  it.each([
    ['without a reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}'],
    ['with an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}'],
    ['a reason above ASCII', 'HTTP/1.1 200 \xe9\r\nContent-Length: 2\r\n\r\n{}'],
    ['200 fields', `${ok}${'x: y\r\n'.repeat(199)}Content-Length: 2\r\n\r\n{}`],
    ['a head of 64 KiB', `${headOf(64 * 1024)}{}`],
    ['empty values', `${ok}X:\r\nContent-Length:  2 \r\n\r\n{}`],
    ['chunked in capitals', `${ok}Transfer-Encoding: CHUNKED\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['leading zeros', `${ok}Transfer-Encoding: chunked\r\n\r\n00002\r\n{}\r\n00\r\n\r\n`],
    ['names that objects know', `${ok}__proto__: x\r\nconstructor: y\r\nContent-Length: 2\r\n\r\n{}`],
  ])('%s passes over HTTP/1.1 and HTTP/2', async (_name, text) => {
    await using rig = await startRig({ answer: answerRaw(text) });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    expect(await receive(client)).toMatchObject({ status: 200, body: '{}' });
    if (text.length > 60_000) return;
    using h2 = await connectH2(rig.gateway);
    const exchange = h2.post(buildCall());
    const head = await exchange.head;
    expect(head[':status']).toBe(200);
    if (text.includes('constructor')) expect(head['constructor']).toBe('y');
    expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
    expect(exchange.body).toBe('{}');
  });
});
