import { describe, expect, it } from 'vitest';
import { claims } from '../support/claimed-fields.ts';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive, startRig, type Rig } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{"jsonrpc":"2.0","id":1,"result":{}}');
const mark = 'evil-1f7c';

const hopByHop = [
  'Keep-Alive',
  'Proxy-Connection',
  'Proxy-Authorization',
  'Proxy-Authenticate',
  'TE',
  'Trailer',
  'Upgrade',
  'HTTP2-Settings',
] as const;

/** Spellings that some server takes for the same field. */
function spellings(name: string): string[] {
  const mixed = name
    .toLowerCase()
    .replaceAll(/(.)(.?)/g, (_pair, odd: string, even: string) => odd.toUpperCase() + even);
  return [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    mixed,
    name.replaceAll('-', '_'),
    name.replaceAll('-', '_').toUpperCase(),
    name.replace('-', '_'),
  ];
}

function fieldNames(head: string): string[] {
  return head
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')));
}

async function send(rig: Rig, fields: string): Promise<string> {
  rig.upstream.forget();
  const received = await rig.ask(buildPost(buildCall(), { fields }));
  expect(received.status).toBe(200);
  return rig.upstream.requests[0]?.head ?? '';
}

describe('forwarded-spoofing: what a client claims about itself', () => {
  it(`does not reach the upstream: ${claims.length} fields in ${spellings('A-B').length} spellings, once and twice`, async () => {
    await using rig = await startRig({ answer });
    const client = await connectRaw(rig.gateway);
    let count = 0;
    for (const name of [...claims, ...hopByHop]) {
      for (const spelling of spellings(name)) {
        const line = `${spelling}: ${mark}\r\n`;
        client.send(buildPost(buildCall(), { fields: line }));
        client.send(
          buildPost(buildCall(), { fields: `${line}${spelling.toLowerCase()}: 6.6.6.6, ${mark}\r\n` }),
        );
      }
      await receive(client, 14);
      client.clear();
      count += 14;
    }
    expect(rig.upstream.requests).toHaveLength(count);
    expect(count).toBeGreaterThan(500);
    for (const { head } of rig.upstream.requests) {
      expect(head).not.toContain(mark);
      expect(head).not.toContain('6.6.6.6');
      expect(fieldNames(head)).toEqual([
        'host',
        'content-type',
        'accept',
        'x-forwarded-for',
        'x-forwarded-proto',
        'x-forwarded-host',
        'x-real-ip',
        'forwarded',
        'content-length',
      ]);
    }
    client.socket.destroy();
  });

  it('does not reach the upstream over HTTP/2 either', async () => {
    await using rig = await startRig({ answer });
    using client = await connectH2(rig.gateway);
    for (const name of claims) {
      for (const spelling of [name.toLowerCase(), name.toLowerCase().replaceAll('-', '_')]) {
        const exchange = client.post(buildCall(), { [spelling]: mark });
        expect((await exchange.head)[':status']).toBe(200);
      }
    }
    expect(rig.upstream.requests).toHaveLength(claims.length * 2);
    expect(rig.upstream.bytes).not.toContain(mark);
  });

  it('control: a field that claims nothing passes in its place', async () => {
    await using rig = await startRig({ answer });
    expect(await send(rig, `X-Other: ${mark}\r\n`)).toContain(`\r\nx-other: ${mark}\r\n`);
  });

  it('is replaced by the truth', async () => {
    await using rig = await startRig({ answer });
    const head = await send(rig, 'Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\n');
    expect(head).toContain(
      '\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: https\r\nx-forwarded-host: localhost\r\n' +
        'x-real-ip: 127.0.0.1\r\nforwarded: for=127.0.0.1;host=localhost;proto=https\r\n',
    );
  });
});

describe('fields nominated by Connection (CVE-2025-48865)', () => {
  it.each([
    'Mcp-Session-Id',
    'Authorization',
    'MCP-Protocol-Version',
    'Content-Type',
    'Last-Event-ID',
    'X-Forwarded-For',
    'Host',
    'Content-Length',
    'Cookie',
  ])('%s is dropped before any stage decides on it', async (name) => {
    await using rig = await startRig({ answer });
    const value = name === 'MCP-Protocol-Version' ? '2026-07-28' : mark;
    const isOurs = name === 'Host' || name === 'Content-Length' || name === 'Content-Type';
    for (const spelling of [name, name.toLowerCase(), ` ${name} `, `close, ${name.toUpperCase()}`]) {
      const field = isOurs ? '' : `${name}: ${value}\r\n`;
      const head = await send(rig, `${field}Connection: ${spelling}\r\n`);
      expect(head).not.toContain(value);
      expect(head).toMatch(/\r\nhost: 127\.0\.0\.1:\d+\r\n/);
      expect(head).toContain('\r\nx-forwarded-for: 127.0.0.1\r\n');
      expect(head).toMatch(/\r\ncontent-length: \d+$/);
      expect(fieldNames(head)).not.toContain('connection');
    }
  });
});

describe('the request the upstream sees', () => {
  it('carries its own authority and neither Origin nor Accept-Encoding', async () => {
    await using rig = await startRig({ answer });
    const head = await send(
      rig,
      'Origin: https://localhost\r\nAccept-Encoding: gzip, br\r\nUser-Agent: x\r\n',
    );
    expect(head).toContain(`POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${rig.upstream.port}\r\n`);
    expect(fieldNames(head)).not.toContain('origin');
    expect(fieldNames(head)).not.toContain('accept-encoding');
    expect(head).toContain('\r\nuser-agent: x\r\n');
  });

  it('keeps MCP fields, cookies, trace context and bytes above ASCII as they came', async () => {
    await using rig = await startRig({ answer });
    const fields =
      'Mcp-Session-Id: S-1\r\nMCP-Protocol-Version: 2025-11-25\r\nLast-Event-ID: 7\r\nMcp-Param-Region: =?base64?4pyT?=\r\n' +
      'Cookie: a=1; b=2\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Latin: caf\xe9\r\n';
    const head = await send(rig, fields);
    for (const line of fields.trim().split('\r\n')) {
      expect(head.toLowerCase()).toContain(line.toLowerCase());
    }
    expect(head).toContain('x-latin: caf\xe9');
  });

  it('keeps the query, and a GET or DELETE gets no body', async () => {
    await using rig = await startRig({ answer });
    await rig.ask(buildGet({ path: '/mcp?a=%2e%2e/&b=//' }));
    await rig.ask('DELETE /mcp/ HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: s\r\n\r\n');
    expect(rig.upstream.requests.map(({ head }) => head.split('\r\n')[0])).toEqual([
      'GET /mcp?a=%2e%2e/&b=// HTTP/1.1',
      'DELETE /mcp HTTP/1.1',
    ]);
    for (const { head } of rig.upstream.requests) expect(fieldNames(head)).not.toContain('content-length');
  });

  it('goes to the path and the authority of its own route', async () => {
    await using first = await startRig({ answer });
    const other = buildRoute(first.upstream.port, { path: '/b', upstreamPath: '/deep/Path/' });
    const own = buildRoute(first.upstream.port, { path: '/a', upstreamPath: '/' });
    await using rig = await startRig({ changes: { routes: [own, other] } });
    for (const path of ['/a', '/b/', '/b?x']) await rig.ask(buildPost(buildCall(), { path }));
    expect(first.upstream.requests.map(({ head }) => head.split('\r\n')[0])).toEqual([
      'POST / HTTP/1.1',
      'POST /deep/Path/ HTTP/1.1',
      'POST /deep/Path/?x HTTP/1.1',
    ]);
  });

  it('joins the crumbs of a cookie that HTTP/2 splits (RFC 9113 section 8.2.3)', async () => {
    await using rig = await startRig({ answer });
    using client = await connectH2(rig.gateway);
    await client.post(buildCall(), { cookie: ['a=1', 'b=2', 'c=3'] }).head;
    expect(rig.upstream.requests[0]?.head).toContain('\r\ncookie: a=1; b=2; c=3\r\n');
  });
});
