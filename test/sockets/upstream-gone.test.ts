import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, settle, startRig, streamed } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { answerJson, type Answer } from '../support/scripted-upstream.ts';

const breaks: [string, Answer][] = [
  ['FIN', ({ socket }) => void socket.end()],
  ['RST', ({ socket }) => void socket.resetAndDestroy()],
];

function buildUnreachable(code: number, reason: string, id: string): unknown {
  const error: unknown = expect.objectContaining({ code, data: { reason } });
  return { jsonrpc: '2.0', id: JSON.parse(id) as unknown, error };
}

describe.each(breaks)('an upstream that goes by %s before its answer', (_name, leave) => {
  it.each(['1', '-7', '"a\\u00e9\\"b"', '900719925474099312345'])(
    'is told with 502 and the id %s of the request, exactly as it was sent',
    async (id) => {
      await using rig = await startRig({ answer: leave });
      const body = `{"jsonrpc":"2.0","id":${id},"method":"ping"}`;
      const answer = await rig.ask(buildPost(body));
      expect(answer.status).toBe(502);
      expect(answer.field('content-type')).toBe('application/json');
      expect(answer.body).toContain(`"id":${id},`);
      expect(JSON.parse(answer.body)).toEqual(buildUnreachable(-31502, 'E_UPSTREAM_CLOSED', id));
      await rig.idle();
    },
  );

  it.each([
    ['a GET', buildGet()],
    ['a notification', buildPost('{"jsonrpc":"2.0","method":"notifications/initialized"}')],
    ['a batch', buildPost('[{"jsonrpc":"2.0","id":5,"method":"ping"}]')],
  ])('is told without an id for %s', async (_kind, request) => {
    await using rig = await startRig({ answer: leave });
    const answer = await rig.ask(request);
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toEqual(buildUnreachable(-31502, 'E_UPSTREAM_CLOSED', 'null'));
  });

  it('is asked once only, because it may have executed the call, and the client goes on', async () => {
    await using rig = await startRig({
      answer: (request) => (request.connection < 3 ? leave(request) : answerJson('{}')(request)),
    });
    const client = await rig.connect();
    for (const [index, status] of [502, 502, 200].entries()) {
      client.send(buildPost(buildCall()));
      expect((await receive(client, index + 1)).status).toBe(status);
      expect(rig.upstream.requests).toHaveLength(index + 1);
    }
  });

  it('over HTTP/2 is told on the stream alone', async () => {
    await using rig = await startRig({ answer: leave });
    using client = await connectH2(rig.gateway);
    for (const id of [1, 2]) {
      const exchange = client.post(buildCall({ id }));
      expect((await exchange.head)[':status']).toBe(502);
      expect(await exchange.closed()).toEqual({ ended: true, code: 0 });
      expect(JSON.parse(exchange.body)).toMatchObject({ id });
    }
  });

  it.each([
    ['with a length', 'Content-Length: 100\r\n\r\n{"half'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n6\r\n{"half\r\n'],
    ['in the middle of a chunk', 'Transfer-Encoding: chunked\r\n\r\n60\r\n{"half'],
  ])(
    'in the middle of JSON %s breaks the client off, so that half is not taken for whole',
    async (_framing, rest) => {
      await using rig = await startRig();
      const client = await rig.connect();
      client.send(buildPost(buildCall()));
      const request = await rig.upstream.next();
      request.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${rest}`);
      await streamed(client, (body) => body === '{"half');
      leave(request);
      const text = await client.closed();
      expect(text).not.toMatch(/\r\n0\r\n\r\n$/);

      using h2 = await connectH2(rig.gateway);
      const exchange = h2.post(buildCall());
      const second = await rig.upstream.next();
      second.socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${rest}`);
      await exchange.until((body) => body === '{"half');
      leave(second);
      expect(await exchange.closed()).toEqual({ ended: false, code: 2 });
      expect(h2.session.destroyed).toBe(false);
      h2.session.destroy();
      await rig.idle();
    },
  );
});

/** Counts connections that this process opens to a port. */
async function countConnects(port: number, run: () => Promise<void>): Promise<number> {
  let attempts = 0;
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket }; // As documented for the channel.
    socket.once('connectionAttempt', (_address, attempted) => (attempts += Number(attempted === port)));
  };
  subscribe('net.client.socket', onSocket);
  try {
    await run();
  } finally {
    unsubscribe('net.client.socket', onSocket);
  }
  return attempts;
}

interface BareServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
}

async function startBareServer(onConnection: (socket: Socket) => void): Promise<BareServer> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => socket.destroy());
    socket.resume();
    onConnection(socket);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    port,
    get connections() {
      return connections;
    },
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

describe('an upstream that cannot be connected to', () => {
  it('refusing is tried twice and told with 502, without its address', async () => {
    const server = await startBareServer(() => undefined);
    await server[Symbol.asyncDispose]();
    const upstreamPort = server.port;
    await using rig = await startRig({ upstreamPort });
    const attempts = await countConnects(upstreamPort, async () => {
      const answer = await rig.ask(buildPost(buildCall({ id: 'x' })));
      expect(answer.status).toBe(502);
      expect(JSON.parse(answer.body)).toEqual(buildUnreachable(-31502, 'E_UPSTREAM_UNREACHABLE', '"x"'));
      expect(answer.body).not.toContain(`${upstreamPort}`);
    });
    expect(attempts).toBe(2);
    await rig.idle();
  });

  it('that fails before the TLS handshake is done is tried twice and told with 502', async () => {
    await using server = await startBareServer((socket) => void socket.once('data', () => socket.destroy()));
    await using rig = await startRig({ changes: { routes: [buildRoute(server.port, { secure: true })] } });
    const answer = await rig.ask(buildPost(buildCall()));
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toEqual(buildUnreachable(-31502, 'E_UPSTREAM_UNREACHABLE', '1'));
    expect(server.connections).toBe(2);
    await rig.idle();
  });

  it('connect-timeout: one that stays silent is given up after 5 seconds, with 504 and one attempt', async () => {
    const clock = new ManualClock();
    await using server = await startBareServer(() => undefined);
    await using rig = await startRig({
      clock,
      changes: { routes: [buildRoute(server.port, { secure: true })] },
    });
    const client = await rig.connect();
    client.send(buildPost(buildCall({ id: 9 })));
    await expect.poll(() => server.connections).toBe(1);
    clock.advance(4999);
    await settle();
    expect(client.received).toBe('');
    clock.advance(1);
    const answer = await receive(client);
    expect(answer.status).toBe(504);
    expect(JSON.parse(answer.body)).toEqual(buildUnreachable(-31504, 'E_UPSTREAM_TIMEOUT', '9'));
    expect(server.connections).toBe(1);
  });

  it('control: one that is connected may take an hour to answer', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const client = await rig.connect();
    client.send(buildPost(buildCall()));
    const { socket } = await rig.upstream.next();
    clock.advance(3_600_000);
    await settle();
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    expect((await receive(client)).status).toBe(200);
  });
});
