import { describe, expect, it } from 'vitest';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, streamed } from '../support/rig.ts';
import type { ReceivedRequest } from '../support/scripted-upstream.ts';
import { pythonForm } from '../support/session-server.ts';
import { initializeParams, startSessionRig, versionField } from '../support/session-rig.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

const { auth, alice, bob } = buildTwoCallers();
const off = { sessions: { revival: false, idleTimeout: 1_800_000, live: 10_000, noted: 100_000 } };

describe('a session that its server has lost', () => {
  it.each([
    ['open', undefined, ''],
    ['with keys', auth, alice],
  ] as const)(
    'begins again on a route that is %s, and the call is executed once',
    async (_what, ownAuth, fields) => {
      await using revival = await startSessionRig(ownAuth === undefined ? {} : { auth: ownAuth });
      const { server } = revival;
      const id = await revival.begin(fields);
      expect((await revival.call(id, 1, fields)).body).toContain('"by":"s1"');
      server.lose();
      const answer = await revival.call(id, 2, fields);
      expect(answer.status).toBe(200);
      expect(answer.body).toContain('"by":"s2"');
      // A client takes another name for another session.
      expect(answer.field('mcp-session-id')).toBe(id);
      expect((await revival.call(id, 3, fields)).body).toContain('"by":"s2"');
      expect(server.executed).toEqual(['1', '2', '3']);
      expect(server.told.filter(({ session }) => session === 's2')).toEqual([
        { session: 's2', method: 'initialize', params: initializeParams },
        { session: 's2', method: 'notifications/initialized', params: undefined },
      ]);
      expect(revival.rig.gateway.gateway.sessions).toMatchObject({ live: 1, revived: 1 });
    },
  );

  it('control: opted out, the client gets the 404, and the session has the name that the server gave it', async () => {
    await using revival = await startSessionRig({ changes: off });
    const id = await revival.begin();
    expect(id).toBe('s1');
    revival.server.lose();
    const answer = await revival.call(id, 1);
    expect(answer.status).toBe(404);
    expect(answer.body).toBe(pythonForm.body);
    expect(revival.server.begun).toBe(1);
  });

  it.each([
    [
      'TypeScript SDK',
      404,
      '{"jsonrpc":"2.0","error":{"code":-32001,"message":"Session not found"},"id":null}',
    ],
    [
      'examples',
      400,
      '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"},"id":null}',
    ],
    [
      'new process',
      400,
      '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}',
    ],
    ['text', 404, 'session not found'],
    ['nothing', 404, ''],
  ])('begins again when the server says so as: %s', async (_who, status, body) => {
    await using revival = await startSessionRig();
    const { server } = revival;
    server.lostForm = { status, body };
    const id = await revival.begin();
    server.lose();
    expect((await revival.call(id, 1)).status).toBe(200);
    expect(server.executed).toEqual(['1']);
  });

  it.each([
    [
      'an unknown method',
      404,
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}',
    ],
    ['a bad request', 400, '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params"}}'],
    ['a long page', 404, `{"jsonrpc":"2.0","id":1,"result":"${'x'.repeat(20_000)}"}`],
    ['a failure', 500, 'session not found'],
  ])('is not taken for lost after %s, and the answer passes as it was', async (_what, status, body) => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    server.lostForm = { status, body };
    server.lose();
    const answer = await revival.call(id, 1);
    expect(answer.status).toBe(status);
    expect(answer.body).toBe(body);
    expect(server.begun).toBe(1);
  });

  it('begins again once for all its requests that fail at the same time', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    server.lose();
    const ids = Array.from({ length: 20 }, (_, index) => index + 1);
    const answers = await Promise.all(ids.map((call) => revival.call(id, call)));
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    expect(server.begun).toBe(2);
    expect(server.executed.toSorted((left, right) => Number(left) - Number(right))).toEqual(ids.map(String));
  });

  it('begins again as often as it is lost', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    for (let round = 1; round <= 4; round++) {
      server.lose();
      const answer = await revival.call(id, round);
      expect(answer.body).toContain(`"by":"s${round + 1}"`);
      expect(answer.field('mcp-session-id')).toBe(id);
    }
    expect(server.executed).toEqual(['1', '2', '3', '4']);
  });

  it('begins again at a server that answers by event streams', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    server.streams = true;
    const id = await revival.begin();
    server.lose();
    const answer = await revival.call(id, 1);
    expect(answer.status).toBe(200);
    // What the server said to the `initialize` of ours is for nobody.
    expect(answer.body.match(/notifications\/message/g)).toHaveLength(1);
    expect(answer.body).not.toContain('protocolVersion');
  });

  it('is told the log level and the subscriptions that it had', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    await revival.post(id, { id: 2, method: 'logging/setLevel', params: { level: 'debug' } });
    for (const uri of ['a:1', 'a:2', 'a:3'])
      await revival.post(id, { id: uri, method: 'resources/subscribe', params: { uri } });
    await revival.post(id, { id: 9, method: 'resources/unsubscribe', params: { uri: 'a:2' } });
    server.lose();
    await revival.call(id, 1);
    expect(
      server.told.filter(({ session }) => session === 's2').map(({ method, params }) => [method, params]),
    ).toEqual([
      ['initialize', initializeParams],
      ['notifications/initialized', undefined],
      ['logging/setLevel', { level: 'debug' }],
      ['resources/subscribe', { uri: 'a:1' }],
      ['resources/subscribe', { uri: 'a:3' }],
    ]);
  });

  it('ends with an honest 404 when the server speaks another revision now, and nothing is left there', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    server.lose();
    server.protocolVersion = '2025-06-18';
    const answer = await revival.call(id, 1);
    expect(answer.status).toBe(404);
    expect(answer.body).toBe(pythonForm.body);
    expect(server.deleted).toEqual(['s2']);
    expect(server.executed).toEqual([]);
  });

  it('is not lost where the server wants its caller to log in: the challenge passes, whatever it says', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    const body = '{"error":"invalid_token","error_description":"Session expired"}';
    const challenge = 'Bearer error="invalid_token"';
    server.intercept = ({ socket }) => {
      const length = `Content-Length: ${body.length}\r\n`;
      socket.write(`HTTP/1.1 401 X\r\nWWW-Authenticate: ${challenge}\r\n${length}\r\n${body}`);
      return true;
    };
    const answer = await revival.call(id, 1);
    expect(answer).toMatchObject({ status: 401, body });
    expect(answer.field('www-authenticate')).toBe(challenge);
    expect(server.begun).toBe(1);
  });

  it('ends with a 404, which clients understand, when it does not begin again after a 400', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    server.lostForm = { status: 400, body: 'No valid session ID provided' };
    server.intercept = ({ body, socket }) => {
      if (!body.includes('initialize')) return false;
      socket.write('HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n');
      return true;
    };
    server.lose();
    const answer = await revival.call(id, 1);
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('E_SESSION_UNKNOWN');
  });

  it('does not begin again when what it began with was too long to be kept', async () => {
    await using revival = await startSessionRig();
    const clientInfo = { name: 'x'.repeat(3000), version: '1' };
    const id = await revival.begin('', { ...initializeParams, clientInfo });
    expect((await revival.call(id, 1)).status).toBe(200);
    revival.server.lose();
    expect((await revival.call(id, 2)).status).toBe(404);
    expect(revival.server.begun).toBe(1);
  });

  it('does not begin again once its client has ended it', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    server.lose();
    await revival.call(id, 1);
    // It goes to the newest.
    expect((await revival.end(id)).status).toBe(200);
    expect(server.deleted).toEqual(['s2']);
    expect((await revival.call(id, 2)).status).toBe(404);
    expect((await revival.end(id)).status).toBe(404);
    expect(server.begun).toBe(2);
  });

  it('session-hijack: cannot be made to begin again by another caller, nor be used once it has', async () => {
    await using revival = await startSessionRig({ auth });
    const { server } = revival;
    const id = await revival.begin(alice);
    server.lose();
    for (const fields of [bob, bob]) {
      const answer = await revival.call(id, 1, fields);
      expect(answer.status).toBe(404);
      expect(answer.body).toContain('E_SESSION_UNKNOWN');
    }
    expect(server.begun).toBe(1);
    expect((await revival.call(id, 2, alice)).status).toBe(200);
    expect((await revival.call(id, 3, bob)).status).toBe(404);
    expect(server.executed).toEqual(['2']);
    const { head } = server.requests.at(-1) ?? { head: '' };
    expect(head.toLowerCase()).not.toContain('authorization');
  });
});

describe('header-injection: a revision with a line break', () => {
  it('becomes no field of what is sent for the client, though the server agrees to it', async () => {
    await using revival = await startSessionRig();
    const { server, rig } = revival;
    const protocolVersion = '2025-11-25\r\nX-Forwarded-User: root';
    server.protocolVersion = protocolVersion;
    const begin = {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { ...initializeParams, protocolVersion },
    };
    const id = (await rig.ask(buildPost(JSON.stringify(begin)))).field('mcp-session-id') ?? '';
    server.lose();
    // Without the header it is the offer that counts.
    const answer = await rig.ask(buildPost(buildCall(), { fields: `Mcp-Session-Id: ${id}\r\n` }));
    expect(answer.status).toBe(404);
    expect(server.begun).toBe(2);
    expect(rig.upstream.bytes + server.bytes).not.toMatch(/\nx-forwarded-user/i);
  });
});

describe('a request that may have been executed', () => {
  it('is not sent again: the client gets the error, and its next request finds the session begun again', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    server.intercept = ({ body, socket }) => {
      if (!body.includes('tools/call')) return false;
      server.executed.push('1');
      server.lose();
      socket.destroy();
      return true;
    };
    const broken = await revival.call(id, 1);
    expect(broken.status).toBe(502);
    expect(broken.body).toContain('E_UPSTREAM_CLOSED');
    server.intercept = undefined;
    expect((await revival.call(id, 2)).status).toBe(200);
    expect(server.executed).toEqual(['1', '2']);
  });

  it('control: a gateway that repeats what broke off executes it twice', async () => {
    await using revival = await startSessionRig();
    const { server } = revival;
    const id = await revival.begin();
    let isFirst = true;
    server.intercept = ({ body, socket }) => {
      if (!body.includes('tools/call') || !isFirst) return false;
      isFirst = false;
      server.executed.push('1');
      server.lose();
      socket.destroy();
      return true;
    };
    const naive = async (): Promise<number> => {
      const { status } = await revival.call(id, 1);
      return status === 502 ? naive() : status;
    };
    expect(await naive()).toBe(200);
    expect(server.executed).toEqual(['1', '1']);
  });
});

describe('the stream of a session that was lost', () => {
  const open = (id: string, fields = ''): string =>
    buildGet({ fields: `${versionField}Mcp-Session-Id: ${id}\r\n${fields}` });

  it('opens at the new one, without an event id that means nothing there', async () => {
    await using revival = await startSessionRig();
    const { server, rig } = revival;
    const id = await revival.begin();
    server.lose();
    const client = await rig.connect();
    client.send(open(id, 'Last-Event-ID: s1-7\r\n'));
    expect(await streamed(client, (text) => text.includes('\n\n'))).toContain('notifications/s2');
    expect(server.requests.at(-1)?.head.toLowerCase()).not.toContain('last-event-id');
    client.socket.destroy();
    await rig.idle({ upstreamSockets: 'any' });
    // Ids of the new session have come: now they mean something.
    const again = await rig.connect();
    again.send(open(id, 'Last-Event-ID: s2-1\r\n'));
    await streamed(again, (text) => text.includes('\n\n'));
    expect(server.requests.at(-1)?.head.toLowerCase()).toContain('last-event-id: s2-1');
  });

  it('keeps its event id as long as the session is the same', async () => {
    await using revival = await startSessionRig();
    const id = await revival.begin();
    const client = await revival.rig.connect();
    client.send(open(id, 'Last-Event-ID: s1-7\r\n'));
    await streamed(client, (text) => text.includes('\n\n'));
    expect(revival.server.requests.at(-1)?.head.toLowerCase()).toContain('last-event-id: s1-7');
  });
});

describe('an answer that had begun before the loss was known', () => {
  it('goes on with that of the new session', async () => {
    const clock = new ManualClock();
    await using revival = await startSessionRig({ clock, changes: { keepAlive: { json: 10_000 } } });
    const { server, rig } = revival;
    const id = await revival.begin();
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<ReceivedRequest>();
    server.intercept = (request) => {
      if (!request.body.includes('tools/call')) return false;
      onAsked(request);
      return true;
    };
    const client = await rig.connect();
    const fields = `${versionField}Mcp-Session-Id: ${id}\r\nAccept: application/json, text/event-stream\r\n`;
    client.send(buildPost(buildCall(), { fields }));
    const { socket } = await asked;
    clock.advance(10_500);
    await streamed(client, (text) => text.includes(': keepalive'));
    server.lose();
    server.intercept = undefined;
    const { status, body } = pythonForm;
    socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const answer = await receive(client);
    expect(answer.status).toBe(200);
    expect(answer.body).toContain('data: {"jsonrpc":"2.0","id":1,"result":{"by":"s2"}}');
    expect(answer.body).not.toContain('Session not found');
    expect(server.executed).toEqual(['1']);
  });
});

describe('a kept connection', () => {
  it('goes on over a loss, though its head is the same as ever', async () => {
    await using revival = await startSessionRig();
    const { server, rig } = revival;
    const id = await revival.begin();
    const client = await rig.connect();
    for (let round = 1; round <= 6; round++) {
      if (round % 2 === 0) server.lose();
      client.clear();
      const fields = `${versionField}Mcp-Session-Id: ${id}\r\n`;
      client.send(buildPost(buildCall({ id: round }), { fields }));
      const answer = await receive(client);
      expect(answer.status, `round ${round}`).toBe(200);
      expect(answer.field('mcp-session-id')).toBe(id);
    }
    expect(server.executed).toEqual(['1', '2', '3', '4', '5', '6']);
  });
});

describe('what has no session', () => {
  it('passes as ever: servers without sessions, and ids of theirs that were never sealed', async () => {
    await using rig = await startRig({
      answer: ({ head, socket }) => {
        const id = /mcp-session-id: (\S+)/i.exec(head)?.[1];
        const own = id === undefined ? '' : `Mcp-Session-Id: ${id}\r\n`;
        socket.write(`HTTP/1.1 200 OK\r\n${own}Content-Length: 2\r\n\r\n{}`);
      },
    });
    expect((await rig.ask(buildPost(buildCall()))).field('mcp-session-id')).toBeUndefined();
    const fields = 'Mcp-Session-Id: of-the-server\r\n';
    expect((await rig.ask(buildPost(buildCall(), { fields }))).field('mcp-session-id')).toBe('of-the-server');
    expect(rig.gateway.gateway.sessions).toEqual({ live: 0, revived: 0, ended: 0 });
  });
});
