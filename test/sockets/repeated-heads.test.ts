import type { OutgoingHttpHeaders } from 'node:http2';
import { describe, expect, it } from 'vitest';
import { connectH2, type H2Client } from '../support/h2-client.ts';
import { buildKeys } from '../support/keys.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, type Rig } from '../support/rig.ts';
import { eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';

const call = buildCall();
const other = buildCall({ size: call.length + 11 });

/** Requests that differ in what a remembered head could wrongly carry over. */
const requests: Readonly<Record<string, string>> = {
  plain: buildPost(call),
  'same length, other words': buildPost(call.replace('echo', 'ohce')),
  longer: buildPost(other),
  'in a session': buildPost(call, { fields: 'Mcp-Session-Id: a\r\n' }),
  'in another session': buildPost(call, { fields: 'Mcp-Session-Id: b\r\n' }),
  'under another name': buildPost(call).replace('Host: localhost', 'Host: 127.0.0.1'),
  'from a page': buildPost(call, { fields: 'Origin: https://localhost\r\n' }),
  'for a client behind the proxy': buildPost(call, { fields: 'X-Forwarded-For: 192.0.2.1\r\n' }),
  'for another client behind it': buildPost(call, { fields: 'X-Forwarded-For: 192.0.2.2\r\n' }),
  'with a query': buildPost(call).replace('/mcp', '/mcp?x=1'),
  chunked: toChunked(call),
  'chunked, longer': toChunked(other),
  stream: buildGet(),
  preflight:
    'OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n',
  'unknown tool header': buildPost(call, { fields: 'Mcp-Name: other\r\nMcp-Method: tools/list\r\n' }),
};

function toChunked(body: string): string {
  const [line = ''] = buildPost(body).split('\r\n', 1);
  return `${line}\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${toChunk(body)}0\r\n\r\n`;
}

/** Answers that differ in the same way; what comes back depends on the request alone. */
const answer: Answer = ({ head, body, socket }) => {
  if (head.startsWith('GET')) socket.write(`${eventStreamHead}${toChunk('data: 1\n\n')}0\r\n\r\n`);
  else if (head.includes('?x=1') && !head.includes('/moved'))
    socket.write(`HTTP/1.1 307 Moved\r\nLocation: /moved?x=1\r\nContent-Length: 0\r\n\r\n`);
  else if (head.includes('mcp-session-id: b'))
    socket.write(`HTTP/1.1 303 See\r\nLocation: /mcp/there\r\nContent-Length: 2\r\n\r\n{}`);
  else if (head.includes('mcp-session-id: a')) socket.write('HTTP/1.1 204 No\r\nX-Of: a\r\n\r\n');
  else socket.write(`HTTP/1.1 200 OK\r\nX-Of: all\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
};

const changes = { trustedProxies: ['127.0.0.1'], heartbeat: 60_000 };

interface Seen {
  readonly upstream: readonly string[];
  readonly client: string;
}

/** Sends one request on a client's connection and tells what arrived at both ends. */
async function observe(rig: Rig, client: Awaited<ReturnType<Rig['connect']>>, text: string): Promise<Seen> {
  const from = rig.upstream.requests.length;
  client.clear();
  client.send(text);
  const { head, body } = await receive(client);
  const upstream = rig.upstream.requests.slice(from).map((request) => `${request.head}\n${request.body}`);
  return { upstream, client: `${head.replace(/date: .*/, 'date')}\n${body}` };
}

describe('a head that comes again', () => {
  it('means on a kept connection what it means on one of its own', async () => {
    await using rig = await startRig({ answer, changes });
    const alone: Record<string, Seen> = {};
    for (const [name, text] of Object.entries(requests)) {
      const stranger = await rig.connect();
      alone[name] = await observe(rig, stranger, text);
      stranger.socket.destroy();
    }
    const kept = await rig.connect();
    const names = Object.keys(requests);
    // Each by itself thrice, so that it is remembered and recalled, then every pair in turns.
    const order = [
      ...names.flatMap((name) => [name, name, name]),
      ...names.flatMap((one) => names.flatMap((two) => [one, one, one, two])),
    ];
    for (const name of order) {
      expect.soft(await observe(rig, kept, requests[name] ?? ''), name).toEqual(alone[name]);
    }
    expect(new Set(Object.values(alone).map((seen) => JSON.stringify(seen))).size).toBeGreaterThan(10);
  });

  it('stolen-recognition: a caller who was recognised vouches for no other head', async () => {
    const { key, auth } = buildKeys('laptop');
    await using rig = await startRig({ answer, auth });
    const client = await rig.connect();
    const ask = async (token: string): Promise<number> => {
      const fields = token === '' ? '' : `Authorization: Bearer ${token}\r\n`;
      client.clear();
      client.send(buildPost(call, { fields }));
      return (await receive(client)).status;
    };
    const wrong = key.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const tokens = [key, key, key, wrong, wrong, wrong, key, key, '', '', '', key, key];
    for (const token of tokens) expect(await ask(token)).toBe(token === key ? 200 : 401);
    expect(rig.upstream.requests).toHaveLength(tokens.filter((token) => token === key).length);
    const principals = rig.gateway.lines.map(({ principal }) => principal);
    expect(principals).toEqual(tokens.map((token) => (token === key ? 'laptop' : undefined)));
  });

  it('is read anew when one byte of it differs', async () => {
    await using rig = await startRig({ answer, changes });
    const client = await rig.connect();
    for (let count = 0; count < 3; count++) await observe(rig, client, requests['plain'] ?? '');
    client.clear();
    client.send((requests['plain'] ?? '').replace('Host: localhost', 'Host: localhosT\u0000'));
    expect(await client.closed()).toContain('400 Bad Request');
  });

  it('smuggling: pipelined behind itself it is one request each time', async () => {
    await using rig = await startRig({ answer, changes });
    const client = await rig.connect();
    client.send((requests['plain'] ?? '').repeat(20));
    await receive(client, 20);
    expect(rig.upstream.requests).toHaveLength(20);
    expect(new Set(rig.upstream.requests.map(({ head, body }) => `${head}\n${body}`)).size).toBe(1);
  });
});

describe('a head that comes again over HTTP/2', () => {
  const calls: Readonly<Record<string, { readonly headers: OutgoingHttpHeaders; readonly body: string }>> = {
    plain: { headers: {}, body: call },
    'same length, other words': { headers: {}, body: call.replace('echo', 'ohce') },
    longer: { headers: {}, body: other },
    'with a length': { headers: { 'content-length': call.length }, body: call },
    'in a session': { headers: { 'mcp-session-id': 'a' }, body: call },
    'in another session': { headers: { 'mcp-session-id': 'b' }, body: call },
    'under another name': { headers: { ':authority': '127.0.0.1' }, body: call },
    'from a page': { headers: { origin: 'https://localhost' }, body: call },
    'for a client behind the proxy': { headers: { 'x-forwarded-for': '192.0.2.1' }, body: call },
    'with a query': { headers: { ':path': '/mcp?x=1' }, body: call },
    'refused by its header': { headers: { 'mcp-method': 'tools/list' }, body: call },
  };

  async function observeH2(rig: Rig, client: H2Client, name: string): Promise<Seen> {
    const from = rig.upstream.requests.length;
    const { headers = {}, body = '' } = calls[name] ?? {};
    const exchange = client.post(body, headers);
    const head = { ...(await exchange.head), date: undefined };
    await exchange.closed();
    const upstream = rig.upstream.requests.slice(from).map((request) => `${request.head}\n${request.body}`);
    return { upstream, client: `${JSON.stringify(head)}\n${exchange.body}` };
  }

  it('means on a kept connection what it means on one of its own', async () => {
    await using rig = await startRig({ answer, changes });
    const alone: Record<string, Seen> = {};
    for (const name of Object.keys(calls)) {
      using stranger = await connectH2(rig.gateway);
      alone[name] = await observeH2(rig, stranger, name);
    }
    using kept = await connectH2(rig.gateway);
    const names = Object.keys(calls);
    const order = names.flatMap((one) => names.flatMap((two) => [one, one, one, two]));
    for (const name of order) expect.soft(await observeH2(rig, kept, name), name).toEqual(alone[name]);
    expect(new Set(Object.values(alone).map((seen) => JSON.stringify(seen))).size).toBeGreaterThan(8);
  });
});
