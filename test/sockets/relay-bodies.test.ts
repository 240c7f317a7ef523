import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig } from '../support/rig.ts';
import { answerJson, type Answer } from '../support/scripted-upstream.ts';

const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';
const mebibyte = 1024 * 1024;
const sizes = [0, 1, 65_535, 65_536, 65_537, 8 * mebibyte];

function digest(text: string | Buffer): string {
  return createHash('sha256')
    .update(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
    .digest('hex');
}

/** Bytes of all values that do not repeat with any power of two. */
function buildBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 0xff;
  return bytes;
}

function answerRaw(head: string, body: Buffer | string = '', close = false): Answer {
  return ({ socket }) => {
    socket.write(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]));
    if (close) socket.end();
  };
}

function toChunked(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]);
}

describe('a body on its way to the client', () => {
  const json = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
  it.each<[string, Answer]>([
    ['a length', answerJson(result)],
    [
      'chunks',
      answerRaw(`${json}Transfer-Encoding: chunked\r\n\r\n`, toChunked(Buffer.from(result), result.length)),
    ],
    [
      'tiny chunks',
      answerRaw(`${json}Transfer-Encoding: chunked\r\n\r\n`, toChunked(Buffer.from(result), 1)),
    ],
    ['the end of the connection', answerRaw(`${json}\r\n`, result, true)],
  ])('arrives whole, delimited by %s', async (_name, answer) => {
    await using rig = await startRig({ answer });
    const client = await rig.connect();
    for (let count = 1; count <= 2; count++) {
      client.send(buildPost(buildCall()));
      const received = await receive(client, count);
      expect(received.status).toBe(200);
      expect(received.body).toBe(result);
      expect(received.field('content-type')).toBe('application/json');
    }
  });

  it.each(sizes)('of %d bytes arrives byte for byte', async (size) => {
    const bytes = buildBytes(size);
    const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n';
    await using rig = await startRig({
      answer: ({ socket, head: request }) => {
        const chunked = request.includes('x-framing: chunked');
        const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`;
        socket.write(`${head}${framing}\r\n\r\n`);
        socket.write(chunked ? toChunked(bytes, 10_007) : bytes);
      },
    });
    const client = await rig.connect();
    for (const framing of ['length', 'chunked']) {
      client.clear();
      client.send(buildGet({ fields: `X-Framing: ${framing}\r\n` }));
      const end = framing === 'chunked' ? '0\r\n\r\n' : '';
      await client.until((text) => text.length >= size && text.includes('\r\n\r\n') && text.endsWith(end));
      const { body, complete } = await receive(client);
      expect({ length: body.length, digest: digest(body), complete }).toEqual({
        length: size,
        digest: digest(bytes),
        complete: true,
      });
    }
    expect(rig.upstream.connections).toBe(1);
  });

  it('loses its trailers, which no MCP client reads', async () => {
    await using rig = await startRig({
      answer: answerRaw(
        'HTTP/1.1 200 OK\r\nTrailer: X-Late\r\nTransfer-Encoding: chunked\r\n\r\n',
        `2\r\n{}\r\n0\r\nX-Late: 1\r\nSet-Cookie: late=1\r\n\r\n`,
      ),
    });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    await receive(client);
    expect(client.received).not.toMatch(/late/i);
    client.send(buildPost(buildCall()));
    await receive(client, 2);
    expect(rig.upstream.connections).toBe(1);
  });
});

describe('a body on its way to the upstream', () => {
  it.each(sizes.filter((size) => size > 1))('of %d bytes arrives byte for byte', async (size) => {
    const call = buildCall({ size });
    expect(call).toHaveLength(size);
    await using rig = await startRig({ answer: answerJson(result) });
    const client = await rig.connect();
    client.send(buildPost(call));
    await receive(client, 1);
    client.send(
      Buffer.concat([
        Buffer.from('POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'),
        toChunked(Buffer.from(call), 10_007),
      ]),
    );
    await receive(client, 2);
    expect(rig.upstream.requests.map(({ body }) => digest(body))).toEqual([digest(call), digest(call)]);
    for (const { head } of rig.upstream.requests) expect(head).toContain(`content-length: ${size}`);
  });

  it('keeps its encoding: non-ASCII text is not touched', async () => {
    const call = '{"jsonrpc":"2.0","id":"é✓","method":"ping","params":{"x":"\u{1f30a}"}}';
    await using rig = await startRig({ answer: answerJson(result) });
    await rig.ask(buildPost(call));
    expect(Buffer.from(rig.upstream.requests[0]?.body ?? '', 'latin1').toString()).toBe(call);
  });
});

describe('an answer without a body', () => {
  it.each([
    ['202 Accepted', 'Content-Length: 0\r\n'],
    ['204 No Content', ''],
    ['204 No Content', 'Content-Length: 5\r\n'],
    ['304 Not Modified', 'ETag: "1"\r\nContent-Length: 200\r\n'],
  ])('%s (%j) leaves both connections in use', async (status, fields) => {
    await using rig = await startRig({ answer: answerRaw(`HTTP/1.1 ${status}\r\n${fields}\r\n`) });
    const client = await rig.connect();
    for (let count = 1; count <= 3; count++) {
      client.send(buildPost(buildCall()));
      const answer = await receive(client, count);
      expect(`${answer.status}`).toBe(status.slice(0, 3));
      expect(answer.body).toBe('');
      expect(answer.field('transfer-encoding')).toBeUndefined();
    }
    expect(rig.upstream.connections).toBe(1);
  });

  it('HEAD is refused with a length and no body, and never forwarded', async () => {
    await using rig = await startRig({ answer: answerJson(result) });
    const client = await rig.connect();
    client.send(
      'HEAD /mcp HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
    );
    const text = await client.until((received) => received.split('\r\n\r\n').length === 3);
    expect(text).toMatch(/^HTTP\/1\.1 405 [\s\S]*content-length: [1-9][\s\S]*\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(text).toMatch(/content-length: 16\r\n\r\n$/);
    expect(rig.upstream.requests).toEqual([]);
  });
});

describe('the head of an answer', () => {
  it('is not an interim one: 1xx are skipped, in one read or many', async () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    await using rig = await startRig({
      answer: ({ socket, head }) => {
        const answer = `${interim}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}`;
        if (!head.includes('x-slow')) socket.write(answer);
        else for (const byte of answer) socket.write(byte);
      },
    });
    for (const fields of ['', 'X-Slow: 1\r\n']) {
      const answer = await rig.ask(buildPost(buildCall(), { fields }));
      expect([answer.status, answer.body]).toEqual([200, '{}']);
      expect(answer.head).not.toContain('Link');
    }
  });

  it('passes end-to-end fields as they are and drops those of the connection', async () => {
    await using rig = await startRig({
      answer: answerRaw(
        'HTTP/1.1 418 Whatever\r\nConnection: keep-alive, X-Nominated\r\nKeep-Alive: timeout=5\r\nX-Nominated: 1\r\n' +
          'Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nMcp-Session-Id: abc\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n' +
          'WWW-Authenticate: Bearer resource_metadata="https://x/"\r\nX-Latin: caf\xe9\r\nAlt-Svc: h3=":443"\r\n' +
          'Strict-Transport-Security: max-age=1\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n\r\n',
        '{}',
      ),
    });
    const answer = await rig.ask(buildPost(buildCall()));
    expect(answer.fields).toEqual([
      ['mcp-session-id', 'abc'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['www-authenticate', 'Bearer resource_metadata="https://x/"'],
      ['x-latin', 'caf\xe9'],
      ['content-length', '2'],
    ]);
    expect(answer.status).toBe(418);
  });
});
