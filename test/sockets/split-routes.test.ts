import { describe, expect, it } from 'vitest';
import { initialize } from '../support/copies.ts';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, streamed } from '../support/rig.ts';
import { eventStreamHead, toChunk, type Answer } from '../support/scripted-upstream.ts';
import { startSplit } from '../support/splits.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

function modern(method: string, name?: string, fields = ''): string {
  const message = buildModern(method, name === undefined ? {} : { name });
  return buildPost(message.body, { fields: message.fields + fields });
}

const legacyCall = buildPost(buildCall());

describe('messages of the modern era', () => {
  it.each([
    ['a tool', modern('tools/call', 'search_web'), 1],
    ['another tool', modern('tools/call', 'echo'), 0],
    ['the list of tools', modern('tools/list'), 0],
    ['a prompt of the same name', modern('prompts/get', 'search_web'), 2],
    ['the list of prompts', modern('prompts/list'), 2],
  ])('%s goes to the servers of the first entry that fits', async (_name, request, server) => {
    await using split = await startSplit(3, [
      { when: { tools: ['search_*'] }, to: [1] },
      { when: { methods: ['prompts/*'] }, to: [2] },
    ]);
    expect(await split.ask(request)).toEqual({ status: 200, server });
  });

  it('go where they should on a connection that sends the same head again, on both protocols', async () => {
    await using split = await startSplit(2, [{ when: { tools: ['b'] }, to: [1] }]);
    const client = await split.rig.connect();
    using h2 = await connectH2(split.rig.gateway);
    for (const [name, server] of [
      ['a', 0],
      ['a', 0],
      ['a', 0],
      ['b', 1],
      ['b', 1],
      ['b', 1],
      ['a', 0],
    ] as const) {
      client.clear();
      client.send(modern('tools/call', name));
      expect((await receive(client)).body).toContain(`"copy":${server}`);
      const { body } = buildModern('tools/call', { name });
      const fields = {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      };
      expect(await h2.post(body, fields).until((text) => text.includes('copy'))).toContain(
        `"copy":${server}`,
      );
    }
    // The same head with another body is refused, before anybody is asked.
    client.clear();
    client.send(modern('tools/call', 'a').replace('"name":"a"', '"name":"b"'));
    expect((await receive(client)).status).toBe(400);
  });

  it('header-body-confusion: the body decides, and a header that says otherwise is refused', async () => {
    await using split = await startSplit(2, [{ when: { tools: ['admin'] }, to: [1] }]);
    const { body } = buildModern('tools/call', { name: 'echo' });
    const fields = 'MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: admin\r\n';
    expect((await split.ask(buildPost(body, { fields }))).status).toBe(400);
    expect(split.servers.map(({ requests }) => requests.length)).toEqual([0, 0]);
  });

  it('are called by their server in records', async () => {
    await using split = await startSplit(2, [{ when: { tools: ['b'] }, to: [1] }]);
    await split.ask(modern('tools/call', 'b'));
    await split.ask(modern('tools/call', 'a'));
    expect(split.rig.gateway.lines).toMatchObject([
      { route: '/mcp', tool: 'b', upstream: `127.0.0.1:${split.servers[1]?.port}` },
      { route: '/mcp', tool: 'a', upstream: `127.0.0.1:${split.servers[0]?.port}` },
    ]);
  });

  it('access-bypass: are asked for what the route asks for, wherever they go', async () => {
    const { auth, alice } = buildTwoCallers();
    await using split = await startSplit(2, [{ when: { tools: ['b'] }, to: [1] }], { route: { auth } });
    expect(await split.ask(modern('tools/call', 'b', 'X-Api-Key: wrong\r\n'))).toMatchObject({ status: 401 });
    expect(await split.ask(modern('tools/call', 'b', alice))).toEqual({ status: 200, server: 1 });
    expect(split.servers[1]?.bytes.toLowerCase()).not.toContain('authorization');
  });

  it('limits are those of the route, wherever they go', async () => {
    const rate = { per: 'route', requests: 2, within: 60_000, routes: ['/mcp'], tools: [] } as const;
    await using split = await startSplit(2, [{ when: { tools: ['b'] }, to: [1] }], {
      changes: { limits: { rates: [rate] } },
    });
    for (const [name, status] of [
      ['a', 200],
      ['b', 200],
      ['b', 429],
      ['a', 429],
    ] as const)
      expect((await split.ask(modern('tools/call', name))).status, name).toBe(status);
  });
});

describe('sessions of the legacy era', () => {
  const byMessage = [{ when: { tools: ['echo'] }, to: [1] }];

  it('torn-session: are not torn apart by an entry about messages', async () => {
    await using split = await startSplit(2, byMessage);
    const begun = await split.rig.ask(buildPost(initialize));
    const fields = `Mcp-Session-Id: ${begun.field('mcp-session-id')}\r\n`;
    for (const request of [buildPost(buildCall(), { fields }), buildGet({ fields })])
      expect(await split.ask(request)).toEqual({ status: 200, server: 0 });
    // The control: a modern call of the same tool goes to the other.
    expect(await split.ask(modern('tools/call', 'echo'))).toEqual({ status: 200, server: 1 });
  });

  it('go to the servers of their era, and stay with the one that began them', async () => {
    await using split = await startSplit(3, [{ when: { eras: ['legacy'] }, to: [1, 2] }]);
    expect(await split.ask(modern('tools/call', 'echo'))).toEqual({ status: 200, server: 0 });
    const owners = new Set<number | undefined>();
    for (let turn = 0; turn < 6; turn++) {
      const begun = await split.rig.ask(buildPost(initialize));
      const fields = `Mcp-Session-Id: ${begun.field('mcp-session-id')}\r\n`;
      const { server, status } = await split.ask(buildPost(buildCall(), { fields }));
      expect(status).toBe(200);
      owners.add(server);
      for (let again = 0; again < 3; again++)
        expect(await split.ask(buildPost(buildCall(), { fields }))).toEqual({ status: 200, server });
    }
    expect(owners).toEqual(new Set([1, 2]));
    expect(split.servers[0]?.requests).toHaveLength(1);
  });

  it('stay with the one that began them when the entries are others', async () => {
    await using split = await startSplit(3, [{ when: { eras: ['legacy'] }, to: [1] }]);
    const begin = async (): Promise<string> =>
      `Mcp-Session-Id: ${(await split.rig.ask(buildPost(initialize))).field('mcp-session-id')}\r\n`;
    const first = await begin();
    await split.reload({ when: { eras: ['legacy'] }, to: [2, { server: 1, weight: 0 }] });
    const second = await begin();
    await split.reload({ when: { eras: ['modern'] }, to: [1] }, { when: { tools: ['x'] }, to: [2] });
    expect(await split.ask(buildPost(buildCall(), { fields: first }))).toEqual({ status: 200, server: 1 });
    expect(await split.ask(buildPost(buildCall(), { fields: second }))).toEqual({ status: 200, server: 2 });
    // The control: new work goes by the entries of now.
    expect(await split.ask(buildPost(initialize))).toEqual({ status: 200, server: 0 });
    expect(await split.ask(modern('tools/call', 'x'))).toEqual({ status: 200, server: 1 });
  });

  it('are unknown where their server is in no list any more', async () => {
    await using split = await startSplit(3, [{ when: { eras: ['legacy'] }, to: [1] }]);
    const begun = await split.rig.ask(buildPost(initialize));
    const fields = `Mcp-Session-Id: ${begun.field('mcp-session-id')}\r\n`;
    await split.reload({ when: { eras: ['legacy'] }, to: [2] });
    expect((await split.ask(buildPost(buildCall(), { fields }))).status).toBe(404);
  });

  it('of HTTP+SSE go to the servers of their era, and messages to the one that has the stream', async () => {
    const answerOf =
      (place: number): Answer =>
      ({ head, socket }) => {
        if (head.startsWith('POST'))
          socket.write(`HTTP/1.1 202 Accepted\r\nX-Of: ${place}\r\nContent-Length: 0\r\n\r\n`);
        else
          socket.write(
            `${eventStreamHead}${toChunk(`event: endpoint\ndata: /messages/?session_id=${place}\n\n`)}`,
          );
      };
    await using split = await startSplit(3, [{ when: { eras: ['legacy'] }, to: [1, 2] }], { answerOf });
    for (let turn = 0; turn < 4; turn++) {
      const client = await split.rig.connect();
      client.send(buildGet());
      const body = await streamed(client, (text) => text.includes('\n\n'));
      const path = /data: (.*)\n/.exec(body)?.[1] ?? '';
      const answer = await split.rig.ask(buildPost(buildCall(), { path }));
      expect(answer.status).toBe(202);
      const server = Number(answer.field('x-of'));
      expect([1, 2]).toContain(server);
      expect(split.servers[server]?.requests.at(-1)?.head).toContain(`session_id=${server} `);
    }
    expect(split.servers[0]?.requests).toHaveLength(0);
  });

  it('and calls without a session go to the servers of their era', async () => {
    await using split = await startSplit(2, [{ when: { eras: ['modern'] }, to: [1] }]);
    await split.ask(legacyCall);
    await split.ask(buildGet());
    expect(split.servers.map(({ requests }) => requests.length)).toEqual([2, 0]);
  });
});

describe('a server of an entry that is away', () => {
  it('is no reason to ask those that the message is not for', async () => {
    await using split = await startSplit(2, [{ when: { tools: ['b'] }, to: [1] }]);
    await split.servers[1]?.stop();
    expect((await split.ask(modern('tools/call', 'b'))).status).toBe(502);
    expect(split.servers[0]?.requests).toHaveLength(0);
    expect(await split.ask(modern('tools/call', 'a'))).toEqual({ status: 200, server: 0 });
  });

  it('control: another of the same entry is asked', async () => {
    await using split = await startSplit(3, [{ when: { tools: ['b'] }, to: [1, 2] }]);
    await split.servers[1]?.stop();
    for (let turn = 0; turn < 4; turn++)
      expect(await split.ask(modern('tools/call', 'b'))).toEqual({ status: 200, server: 2 });
  });
});
