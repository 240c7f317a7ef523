import { describe, expect, it } from 'vitest';
import { connectH2, watch } from '../support/h2-client.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');

/** A GET whose head is exactly `size` bytes. */
function buildHead(size: number): string {
  const start = 'GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: ';
  return `${start}${'x'.repeat(size - start.length - 4)}\r\n\r\n`;
}

function buildTarget(size: number): string {
  return `GET /mcp?${'x'.repeat(size - '/mcp?'.length)} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

/** A GET with `count` fields, Host included. */
function buildFields(count: number): string {
  return `GET /mcp HTTP/1.1\r\nHost: localhost\r\n${'x: y\r\n'.repeat(count - 1)}\r\n`;
}

function buildChunkedPost(call: string, size: number): string {
  let body = '';
  for (let at = 0; at < call.length; at += size) {
    const piece = call.slice(at, at + size);
    body += `${piece.length.toString(16)}\r\n${piece}\r\n`;
  }
  return `POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`;
}

const defaults: [string, (size: number) => string, number, number][] = [
  ['bytes of a head', buildHead, 16_384, 431],
  ['bytes of a target', buildTarget, 4096, 414],
  ['fields', buildFields, 100, 431],
  ['bytes of a body', (size) => buildPost(buildCall({ size })), 8 * 1024 * 1024, 413],
  ['bytes of a chunked body', (size) => buildChunkedPost(buildCall({ size }), 65_536), 8 * 1024 * 1024, 413],
];

const configured: typeof defaults = [
  ['bytes of a head', buildHead, 1000, 431],
  ['bytes of a target', buildTarget, 300, 414],
  ['fields', buildFields, 7, 431],
  ['bytes of a body', (size) => buildPost(buildCall({ size })), 5000, 413],
  ['bytes of a chunked body', (size) => buildChunkedPost(buildCall({ size }), 7), 5000, 413],
];
const configuredLimits = { headBytes: 1000, headFields: 7, urlBytes: 300, bodyBytes: 5000 };

describe.each([
  ['by default', defaults, {}],
  ['as configured', configured, configuredLimits],
])('the limit %s', (_which, cases, limits) => {
  it.each(cases)('on %s', async (_what, build, limit, status) => {
    await using rig = await startRig({ answer, changes: { limits } });
    const client = await rig.connect();
    // Each of these is a body of megabytes where the limit is large.
    const within = limit > 1_000_000 ? [limit] : [limit - 1, limit];
    const beyond = limit > 1_000_000 ? [limit + 1] : [limit + 1, limit + 2, limit * 2];
    for (const [index, size] of within.entries()) {
      client.send(build(size));
      expect([size, (await receive(client, index + 1)).status]).toEqual([size, 200]);
    }
    for (const size of beyond) {
      const refused = await rig.connect();
      refused.send(build(size));
      expect([size, (await receive(refused)).status]).toEqual([size, status]);
      expect(await refused.closed()).toContain('\r\nconnection: close\r\n');
    }
    expect(rig.upstream.requests).toHaveLength(within.length);
    await expect.poll(() => rig.gateway.lines.length).toBe(within.length + beyond.length);
  });
});

describe('a request over the limit', () => {
  it('is refused by its length alone, before a byte of the body has come', async () => {
    await using rig = await startRig({ answer });
    const client = await rig.connect();
    client.send(
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388609\r\nExpect: 100-continue\r\n\r\n',
    );
    const text = await client.closed();
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('can be read about even while the client still sends', async () => {
    await using rig = await startRig({ answer });
    const client = await rig.connect();
    client.send('POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n');
    for (let piece = 0; piece < 64; piece++) client.send(Buffer.alloc(65_536));
    expect((await receive(client)).status).toBe(413);
  });

  it('without an end of its head is refused as soon as it is too large', async () => {
    await using rig = await startRig({ answer });
    const cases: [string, number][] = [
      [`GET /${'x'.repeat(17_000)}`, 414],
      [`GET /mcp HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}`, 431],
    ];
    for (const [text, status] of cases) expect((await rig.ask(text)).status).toBe(status);
  });
});

describe('over HTTP/2', () => {
  const limits = { bodyBytes: 5000, urlBytes: 300, headFields: 20, headBytes: 4000 };

  it('body and target have the same limits, and the session lives on', async () => {
    await using rig = await startRig({ answer, changes: { limits } });
    using client = await connectH2(rig.gateway);
    const cases: [number, number, number | undefined][] = [
      [5000, 300, 200],
      [5001, 300, 413],
      [5000, 301, 414],
      [100_000, 10, 413],
      [4999, 299, 200],
    ];
    for (const [size, target, status] of cases) {
      const path = `/mcp?${'x'.repeat(target - 5)}`;
      const exchange = client.post(buildCall({ size }), { ':path': path });
      expect((await exchange.head)[':status']).toBe(status);
    }
    expect(rig.upstream.requests).toHaveLength(2);
    expect(client.session.destroyed).toBe(false);
  });

  it('a head with too many or too large fields is refused on its stream', async () => {
    await using rig = await startRig({ answer, changes: { limits } });
    using client = await connectH2(rig.gateway);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-${index}`, 'y']));
    for (const headers of [many, { 'x-long': 'x'.repeat(8000) }]) {
      const exchange = client.post(buildCall(), headers);
      const status = await exchange.head.then(
        (head) => head[':status'],
        () => 'reset',
      );
      expect(['reset', 431]).toContain(status);
    }
    expect(rig.upstream.connections).toBe(0);
  });

  it('memory-exhaustion: a body that goes on after it was refused is not read for ever', async () => {
    await using rig = await startRig({ answer, changes: { limits } });
    using client = await connectH2(rig.gateway);
    const open = client.session.request({ ':method': 'POST', ':path': '/mcp', ':authority': 'localhost' });
    const exchange = watch(open);
    let sent = 0;
    const push = (): void => {
      while (!open.destroyed && sent < 64 * 1024 * 1024) {
        sent += 65_536;
        if (!open.write(Buffer.alloc(65_536))) {
          open.once('drain', push);
          return;
        }
      }
    };
    push();
    expect((await exchange.head)[':status']).toBe(413);
    expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
    expect(sent).toBeLessThan(8 * 1024 * 1024);
  });
});
