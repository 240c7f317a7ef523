import { describe, expect, it } from 'vitest';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, streamed, type Rig } from '../support/rig.ts';
import { eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

const { auth, alice, bob } = buildTwoCallers();
const own = '4f1c0ffee';
const initialize = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });

/** A server of the legacy era that names its session in every answer. */
const legacy: Answer = ({ socket }) =>
  socket.write(
    `HTTP/1.1 200 OK\r\nMcp-Session-Id: ${own}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
  );

async function begin(rig: Rig, fields: string): Promise<string> {
  const answer = await rig.ask(buildPost(initialize, { fields }));
  return answer.field('mcp-session-id') ?? '';
}

function withSession(fields: string, id: string): string {
  return `${fields}Mcp-Session-Id: ${id}\r\n`;
}

describe('a legacy session', () => {
  it('has another name outside, which works for its owner on every method', async () => {
    await using rig = await startRig({ answer: legacy, auth });
    const id = await begin(rig, alice);
    expect(id).toMatch(/^[\w-]{60,}$/);
    expect(id).not.toContain(own);
    const fields = withSession(alice, id);
    for (const request of [
      buildPost(buildCall(), { fields }),
      buildGet({ fields: `${fields}Last-Event-ID: 3\r\n` }),
      `DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`,
    ]) {
      const answer = await rig.ask(request);
      expect(answer.status).toBe(200);
      // Servers repeat the id, and a client takes another name for another session.
      expect(answer.field('mcp-session-id')).toBe(id);
      const { head } = rig.upstream.requests.at(-1) ?? { head: '' };
      expect(head.toLowerCase()).toContain(`mcp-session-id: ${own}\r\n`);
      expect(head).not.toContain(id);
    }
  });

  it('session-hijack: does not exist for anybody else, on every method, and nothing reaches the server', async () => {
    await using rig = await startRig({ answer: legacy, auth });
    const id = await begin(rig, alice);
    const before = rig.upstream.requests.length;
    for (const stolen of [id, own, `${id.slice(0, -1)}x`, `${id}=`, id.toLowerCase(), '']) {
      const fields = withSession(bob, stolen);
      for (const request of [
        buildPost(buildCall({ id: 9 }), { fields }),
        buildGet({ fields }),
        buildGet({ fields: `${fields}Last-Event-ID: 3\r\n` }),
        `DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`,
      ]) {
        const answer = await rig.ask(request);
        expect(answer.status, request.slice(0, 6)).toBe(404);
        expect(answer.body).toContain('E_SESSION_UNKNOWN');
      }
    }
    expect(rig.upstream.requests).toHaveLength(before);
  });

  it('session-hijack: is not opened by what a kept connection had opened for another caller', async () => {
    await using rig = await startRig({ answer: legacy, auth });
    const id = await begin(rig, alice);
    const client = await rig.connect();
    for (const [fields, status] of [
      [alice, 200],
      [alice, 200],
      [bob, 404],
      [bob, 404],
      [alice, 200],
    ] as const) {
      client.clear();
      client.send(buildPost(buildCall(), { fields: withSession(fields, id) }));
      expect((await receive(client)).status).toBe(status);
    }
  });

  it('is not good on another route of the same server', async () => {
    await using rig = await startRig({ answer: legacy, auth, path: '/one' });
    await using other = await startRig({ answer: legacy, auth, path: '/two' });
    const id = await begin(rig, alice);
    expect(
      (await other.ask(buildPost(buildCall(), { path: '/two', fields: withSession(alice, id) }))).status,
    ).toBe(404);
  });

  it('control: without access control it keeps its name, and whoever knows that has it', async () => {
    const sessions = { revival: false, idleTimeout: 1_800_000, live: 10_000, noted: 100_000 };
    await using rig = await startRig({ answer: legacy, changes: { sessions } });
    expect(await begin(rig, '')).toBe(own);
    expect((await rig.ask(buildPost(buildCall(), { fields: withSession('', own) }))).status).toBe(200);
  });
});

describe('a message endpoint of HTTP+SSE', () => {
  const announce: Answer = ({ head, socket }) => {
    if (head.startsWith('POST')) {
      socket.write('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    socket.write(eventStreamHead);
    socket.write(toChunk(`event: endpoint\ndata: /messages/?session_id=${own}\n\n`));
  };

  async function open(rig: Rig, fields: string): Promise<string> {
    const client = await rig.connect();
    client.send(buildGet({ path: '/sse', fields }));
    const body = await streamed(client, (text) => text.includes('\n\n'));
    return /data: (.*)\n/.exec(body)?.[1] ?? '';
  }
  const start = (): Promise<Rig> => startRig({ answer: announce, auth, path: '/sse', upstreamPath: '/sse' });

  it('is sealed for its owner, and the server gets its own query', async () => {
    await using rig = await start();
    const uri = await open(rig, alice);
    expect(uri).toMatch(/^\/sse\?session_id=[\w-]{60,}$/);
    expect((await rig.ask(buildPost(buildCall(), { path: uri, fields: alice }))).status).toBe(202);
    expect(rig.upstream.requests.at(-1)?.head).toContain(`POST /messages/?session_id=${own} HTTP/1.1`);
  });

  it('session-hijack: is not there for anybody else, nor with another query beside', async () => {
    await using rig = await start();
    const uri = await open(rig, alice);
    const before = rig.upstream.requests.length;
    for (const [path, fields] of [
      [uri, bob],
      [`/messages/?session_id=${own}`, bob],
      [`/messages/?session_id=${own}`, alice],
      [`${uri}&session_id=${own}`, alice],
      [`/sse?session_id=${own}`, alice],
      [uri.replace('/sse', '/messages/'), alice],
      ['/messages/', alice],
    ] as const)
      expect((await rig.ask(buildPost(buildCall(), { path, fields }))).status, path).toBe(404);
    expect(rig.upstream.requests).toHaveLength(before);
  });
});
