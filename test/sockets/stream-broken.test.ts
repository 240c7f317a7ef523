import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet, buildModern } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, streamed } from '../support/rig.ts';
import { eventStreamHead, toChunk, type ReceivedRequest } from '../support/scripted-upstream.ts';

const progress = 'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n';

function parseEvents(body: string): EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(Buffer.from(body, 'latin1').toString());
  return events;
}

/** What an MCP client takes for messages: events of the type `message`, which is the default. */
function parseMessages(body: string): unknown[] {
  return parseEvents(body)
    .filter(({ event }) => event === undefined || event === 'message')
    .map(({ data }) => JSON.parse(data) as unknown);
}

const brokeOff = (id: unknown): unknown => ({
  jsonrpc: '2.0',
  id,
  error: {
    code: -31502,
    message: 'the MCP server broke off its answer',
    data: { reason: 'E_UPSTREAM_BROKE_OFF' },
  },
});

const ends: [string, (request: ReceivedRequest) => void][] = [
  ['FIN', ({ socket }) => void socket.end()],
  ['RST', ({ socket }) => void socket.resetAndDestroy()],
];

describe.each(ends)('an event stream whose upstream goes by %s', (_name, leave) => {
  const modern = buildModern('tools/call', { id: 'm1', name: 'echo' });

  /** All places at which an event can be cut; the whole event is the last one. */
  const cuts = [
    '',
    'd',
    'data',
    'data:',
    'data: {"jsonrpc":"2.0","id":"m1","resu',
    'data: {"jsonrpc":"2.0","id":"m1","result":{}}',
    'data: {"jsonrpc":"2.0","id":"m1","result":{}}\n',
    'data: {"jsonrpc":"2.0","id":"m1","result":{}}\r',
    'data: {"jsonrpc":"2.0","id":"m1","result":{}}\r\n',
    'event: message\ndata: {"jsonrpc":"2.0","id":"m1","result":{}}\n',
    'event: mess',
    'data: {"a":1}\ndata: {"b"',
    ': a comm',
    'retry: 10',
    ': x\r\n\r',
  ];
  it.each(cuts)(
    "modern-cut: the half event %j is nobody's message; an error with the id ends the stream",
    async (cut) => {
      await using rig = await startRig();
      const client = await rig.connect();
      client.send(buildPost(modern.body, { fields: modern.fields }));
      const request = await rig.upstream.next();
      request.socket.write(eventStreamHead + toChunk(progress + cut));
      await streamed(client, (body) => body === progress + cut);
      leave(request);
      const { body, complete } = await receive(client);
      expect(complete).toBe(true);
      expect(body.startsWith(progress + cut)).toBe(true);
      expect(parseMessages(body)).toEqual([
        { jsonrpc: '2.0', method: 'notifications/progress' },
        brokeOff('m1'),
      ]);
      client.send(buildPost(buildCall()));
      await rig.upstream.next();
    },
  );

  it('control: without the other event type a parser would dispatch the half event', () => {
    expect(parseEvents(`${cuts[5]}\n\n`)).toHaveLength(1);
    expect(parseMessages(`${cuts[5]}\nevent: breakwater-cut\n\n`)).toEqual([]);
  });

  it('modern: ids change nothing, because that revision cannot resume', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.send(buildPost(modern.body, { fields: modern.fields }));
    const request = await rig.upstream.next();
    request.socket.write(eventStreamHead + toChunk(`id: 1\n${progress}`));
    await streamed(client, (body) => body !== '');
    leave(request);
    const { body } = await receive(client);
    expect(parseMessages(body).at(-1)).toEqual(brokeOff('m1'));
  });

  it.each(['id: 1\ndata: {}\n\n', 'id\ndata: {}\n\n', 'id: 1\ndata: {"ha'])(
    'legacy with ids (%j) is broken off, so that the client resumes',
    async (events) => {
      await using rig = await startRig();
      const client = await rig.connect();
      client.send(buildPost(buildCall(), { fields: 'MCP-Protocol-Version: 2025-11-25\r\n' }));
      const request = await rig.upstream.next();
      request.socket.write(eventStreamHead + toChunk(events));
      await streamed(client, (body) => body === events);
      leave(request);
      expect((await client.closed()).endsWith(toChunk(events))).toBe(true);
      await rig.idle();
    },
  );

  it('legacy without ids ends with an error, because nothing could be resumed', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.send(buildPost(buildCall({ id: 3 }), { fields: 'MCP-Protocol-Version: 2025-06-18\r\n' }));
    const request = await rig.upstream.next();
    request.socket.write(eventStreamHead + toChunk(`${progress}data: {"id":4,`));
    await streamed(client, (body) => body.endsWith('4,'));
    leave(request);
    const messages = parseMessages((await receive(client)).body);
    expect(messages).toEqual([{ jsonrpc: '2.0', method: 'notifications/progress' }, brokeOff(3)]);
  });

  it.each([
    ['a GET stream', buildGet()],
    ['a stream for notifications', buildPost('{"jsonrpc":"2.0","method":"notifications/x"}')],
    ['the stream of a batch', buildPost('[{"jsonrpc":"2.0","id":1,"method":"ping"}]')],
  ])('%s answers no request and is broken off', async (_kind, request) => {
    await using rig = await startRig();
    const client = await rig.connect();
    client.send(request);
    const received = await rig.upstream.next();
    received.socket.write(eventStreamHead + toChunk(progress));
    await streamed(client, (body) => body === progress);
    leave(received);
    expect((await client.closed()).endsWith(toChunk(progress))).toBe(true);
  });

  it('over HTTP/2 ends in order or is reset, by the same rules', async () => {
    await using rig = await startRig();
    using client = await connectH2(rig.gateway);
    const call = client.post(modern.body, {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    });
    const first = await rig.upstream.next();
    const get = client.get();
    const second = await rig.upstream.next();
    for (const { socket } of [first, second])
      socket.write(eventStreamHead + toChunk(`${progress}data: {"ha`));
    await Promise.all([call, get].map((exchange) => exchange.until((body) => body.endsWith('ha'))));
    leave(first);
    leave(second);
    expect(await call.closed()).toEqual({ ended: true, code: 0 });
    expect(parseMessages(call.body)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/progress' },
      brokeOff('m1'),
    ]);
    expect(await get.closed()).toEqual({ ended: false, code: 2 });
  });
});

describe('an event stream whose framing breaks', () => {
  it.each(['zz\r\n', '5;x\r\nhello\r\n', '2\r\nabc', '1\nx'])(
    '(%j) ends as if the upstream had gone',
    async (garbage) => {
      const modern = buildModern('tools/call', { id: 1, name: 'echo' });
      await using rig = await startRig({
        answer: ({ socket }) => void socket.write(eventStreamHead + toChunk(progress) + garbage),
      });
      const { body } = await rig.ask(buildPost(modern.body, { fields: modern.fields }));
      expect(body).not.toContain('hello');
      expect(parseMessages(body).at(-1)).toMatchObject({ id: 1, error: { code: -31502 } });
      await rig.idle();
    },
  );
});
