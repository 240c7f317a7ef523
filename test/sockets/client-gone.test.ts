import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk, type ReceivedRequest } from '../support/scripted-upstream.ts';

const call = buildCall();

/** A client that has sent its request and can leave. */
interface Leaver {
  /** Resolves once the text has arrived as part of an answer. */
  until(text: string): Promise<unknown>;
  leave(): void;
}

type Open = (rig: Rig, method: 'POST' | 'GET') => Promise<Leaver>;

function openH1(leave: 'end' | 'destroy' | 'reset'): Open {
  return async (rig, method) => {
    const client = await rig.connect();
    client.send(method === 'POST' ? buildPost(call) : buildGet());
    return {
      until: (text) => client.until((received) => received.includes(text)),
      leave() {
        if (leave === 'reset') client.reset();
        else client.socket[leave]();
      },
    };
  };
}

function openH2(leave: 'stream' | 'session' | 'socket'): Open {
  return async (rig, method) => {
    const client = await connectH2(rig.gateway);
    const exchange = method === 'POST' ? client.post(call) : client.get();
    return {
      until: (text) => (text === '' ? Promise.resolve() : exchange.until((body) => body.includes(text))),
      leave() {
        if (leave === 'stream') exchange.stream.close(8);
        else if (leave === 'session') client.session.destroy();
        else client.session.socket.destroy();
        exchange.stream.on('close', () => client.session.destroy());
      },
    };
  };
}

const ways: [string, Open][] = [
  ['FIN', openH1('end')],
  ['close', openH1('destroy')],
  ['RST', openH1('reset')],
  ['HTTP/2 stream reset', openH2('stream')],
  ['HTTP/2 session end', openH2('session')],
  ['HTTP/2 socket close', openH2('socket')],
];

const moments: [string, 'POST' | 'GET', string, string][] = [
  ['before the head of the answer', 'POST', '', ''],
  [
    'in the middle of a JSON answer',
    'POST',
    'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"json',
    '{"json',
  ],
  ['in the stream of a call', 'POST', eventStreamHead + toChunk('data: 1\n\n'), 'data: 1'],
  ['in the middle of an event', 'POST', eventStreamHead + toChunk('data: {"a'), 'data: {"a'],
  ['in a GET stream', 'GET', eventStreamHead + toChunk('id: 1\ndata: 1\n\n'), 'data: 1'],
];

async function closing({ socket }: ReceivedRequest): Promise<number> {
  await once(socket, 'close');
  return performance.now();
}

describe.each(ways)('a client that leaves by %s', (_way, open) => {
  it.each(moments)('%s is known to the upstream within 100 ms', async (_moment, method, answer, seen) => {
    await using rig = await startRig();
    const client = await open(rig, method);
    const request = await rig.upstream.next();
    if (answer !== '') request.socket.write(answer);
    await client.until(seen);
    const closed = closing(request);
    const left = performance.now();
    client.leave();
    expect((await closed) - left).toBeLessThan(100);
    await rig.idle();
    expect(rig.gateway.lines).toHaveLength(1);
    expect(rig.gateway.lines[0]).toMatchObject({ status: answer === '' ? 499 : 200 });
    expect(rig.gateway.problems).toEqual([]);
  });
});

describe('a client that leaves', () => {
  it('while its body is under way never reaches the upstream', async () => {
    await using rig = await startRig({ answer: answerJson('{}') });
    const client = await rig.connect();
    client.send(buildPost(call).slice(0, -5));
    await expect.poll(() => rig.gateway.gateway.load.connections).toBe(1);
    client.socket.destroy();
    await rig.idle();
    expect(rig.upstream.connections).toBe(0);
  });

  it('while the connection to the upstream is being made delivers nothing', async () => {
    await using rig = await startRig({ answer: answerJson('{}') });
    const client = await rig.connect();
    client.send(buildPost(call));
    client.reset();
    await rig.idle();
    expect(rig.upstream.openSockets).toBe(0);
  });

  it('after its answer costs the kept upstream connection nothing', async () => {
    await using rig = await startRig({ answer: answerJson('{}') });
    for (let count = 1; count <= 3; count++) {
      await rig.ask(buildPost(call));
      await rig.idle({ upstreamSockets: 1 });
    }
    expect(rig.upstream.connections).toBe(1);
  });

  it('with one HTTP/2 stream leaves the others of its session alone', async () => {
    await using rig = await startRig();
    using client = await connectH2(rig.gateway);
    const exchanges = [client.get(), client.get(), client.get()];
    const requests = [await rig.upstream.next(), await rig.upstream.next(), await rig.upstream.next()];
    for (const { socket } of requests) socket.write(eventStreamHead + toChunk('data: 1\n\n'));
    await Promise.all(exchanges.map((exchange) => exchange.until((body) => body !== '')));
    exchanges[1]?.stream.close(8);
    await expect.poll(() => rig.upstream.openSockets).toBe(2);
    for (const { socket } of requests) if (!socket.destroyed) socket.write(toChunk('data: 2\n\n'));
    await exchanges[0]?.until((body) => body.endsWith('2\n\n'));
    await exchanges[2]?.until((body) => body.endsWith('2\n\n'));
  });
});
