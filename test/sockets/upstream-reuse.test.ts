import { describe, expect, it } from 'vitest';
import { buildCall } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, receive, settle, startRig, type Rig, type RigOptions } from '../support/rig.ts';
import { answerJson, type Answer } from '../support/scripted-upstream.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const answer = answerJson('{}');

/** Calls `steps.length + 1` times with the given idle times in between; resolves with the connection each came on. */
async function callAfter(options: RigOptions & { readonly steps: readonly number[] }): Promise<number[]> {
  const { steps, ...rest } = options;
  const clock = new ManualClock();
  await using rig = await startRig({ clock, answer, ...rest });
  await rig.ask(buildPost(buildCall()));
  for (const step of steps) {
    await rig.idle({ upstreamSockets: 1 });
    clock.advance(step);
    await settle();
    await rig.ask(buildPost(buildCall()));
  }
  return rig.upstream.requests.map(({ connection }) => connection);
}

function answerKeptFor(field: string): Answer {
  return ({ socket }) => void socket.write(`${ok}${field}Content-Length: 2\r\n\r\n{}`);
}

describe('an idle upstream connection', () => {
  it('is used again below 4 seconds and not from 4 seconds on (uvicorn closes at 5)', async () => {
    expect(await callAfter({ steps: [0, 3999, 3999, 4000, 100, 4001] })).toEqual([1, 1, 1, 1, 2, 2, 3]);
  });

  it('is closed by itself once it is too old', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    await rig.ask(buildPost(buildCall()));
    await rig.idle({ upstreamSockets: 1 });
    clock.advance(6000);
    await rig.idle();
    expect(rig.upstream.openSockets).toBe(0);
  });

  it.each([
    ['Keep-Alive: timeout=3\r\n', [1999, 2000], [1, 1, 2]],
    ['Keep-Alive: max=100, timeout=2\r\nConnection: keep-alive\r\n', [999, 1000], [1, 1, 2]],
    ['Keep-Alive: timeout=1\r\n', [0], [1, 2]],
    ['Keep-Alive: timeout=60\r\n', [3999, 4000], [1, 1, 2]],
    ['Keep-Alive: nonsense\r\n', [3999], [1, 1]],
  ])('obeys %j with a second to spare', async (field, steps, expected) => {
    expect(await callAfter({ steps, answer: answerKeptFor(field) })).toEqual(expected);
  });

  it('is not used again when the upstream says close or speaks HTTP/1.0', async () => {
    for (const head of [`${ok}Connection: close\r\n`, 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n']) {
      await using rig = await startRig({
        answer: ({ socket }) => void socket.write(`${head}Content-Length: 2\r\n\r\n{}`),
      });
      for (const count of [1, 2]) {
        expect((await rig.ask(buildPost(buildCall()))).body).toBe('{}');
        expect(rig.upstream.connections).toBe(count);
      }
      await rig.idle();
    }
  });

  it('is not used again after a minute, so that a name that moved is followed', async () => {
    const steps = Array.from({ length: 17 }, () => 3900);
    const connections = await callAfter({ steps });
    expect(connections.slice(0, 16)).toEqual(Array.from({ length: 16 }, () => 1));
    expect(connections.slice(16)).toEqual([2, 2]);
  });

  it('that the upstream closed is not used', async () => {
    await using rig = await startRig({ answer });
    for (const count of [1, 2, 3]) {
      expect((await rig.ask(buildPost(buildCall()))).status).toBe(200);
      await rig.idle({ upstreamSockets: 1 });
      for (const { socket } of rig.upstream.requests) socket.end();
      await rig.idle();
      expect(rig.upstream.connections).toBe(count);
    }
  });

  it('is the one used last, so that the others grow old', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock });
    const clients = await Promise.all([1, 2, 3].map(() => rig.connect()));
    for (const client of clients) client.send(buildPost(buildCall()));
    const requests = [await rig.upstream.next(), await rig.upstream.next(), await rig.upstream.next()];
    for (const request of requests) answer(request);
    await Promise.all(clients.map((client) => receive(client)));
    for (let round = 0; round < 4; round++) {
      clock.advance(1500);
      await settle();
      clients[0]?.send(buildPost(buildCall()));
      const request = await rig.upstream.next();
      expect(request.connection).toBe(requests[2]?.connection);
      answer(request);
      await receive(clients[0] ?? expect.fail('three clients'), round + 2);
    }
    await eventually(() => rig.upstream.openSockets, 1);
  });
});

describe('response-queue-poisoning (CVE-2026-48931): bytes nobody asked for', () => {
  const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"poison"';

  async function expectClean(rig: Rig): Promise<void> {
    for (let count = 0; count < 3; count++) {
      const received = await rig.ask(buildPost(buildCall()));
      expect(received.body).toBe('{}');
    }
  }

  it.each([
    ['a whole answer', poison],
    ['half an answer', poison.slice(0, 20)],
    ['one byte', '\n'],
    ['a time-out message', 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'],
  ])('%s on an idle connection closes it and reaches no client', async (_name, bytes) => {
    // Its clock stands still, so that it is not age that closes the connection.
    await using rig = await startRig({ answer, clock: new ManualClock() });
    await rig.ask(buildPost(buildCall()));
    await rig.idle({ upstreamSockets: 1 });
    rig.upstream.requests[0]?.socket.write(bytes);
    await rig.idle();
    await expectClean(rig);
    expect(rig.upstream.connections).toBe(2);
  });

  it.each([
    ['behind a length', `${ok}Content-Length: 2\r\n\r\n{}`],
    ['behind the last chunk', `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`],
    ['behind a 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('a second answer %s, in one read or the next, reaches no client', async (_name, first) => {
    for (const apart of [false, true]) {
      let poisoned = false;
      await using rig = await startRig({
        answer(request) {
          if (poisoned) {
            answer(request);
            return;
          }
          poisoned = true;
          if (apart) {
            request.socket.write(first);
            setImmediate(() => request.socket.write(poison));
          } else request.socket.write(first + poison);
        },
      });
      const client = await rig.connect();
      client.send(buildPost(buildCall()));
      expect((await receive(client)).body).not.toContain('poison');
      client.socket.destroy();
      await rig.idle();
      await expectClean(rig);
      expect(rig.upstream.connections).toBe(2);
    }
  });

  it('early-answer: a connection that still holds the rest of a request is not used again', async () => {
    // What is left of the body would be read as the next request.
    await using rig = await startRig({ answer });
    const client = await rig.connect();
    rig.upstream.onConnection = (socket) => {
      socket.pause();
      socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}');
    };
    client.send(buildPost(buildCall({ size: 8 * 1024 * 1024 })));
    expect((await receive(client)).status).toBe(413);
    rig.upstream.onConnection = undefined;
    client.send(buildPost(buildCall()));
    expect((await receive(client, 2)).status).toBe(200);
    expect(rig.upstream.connections).toBe(2);
  });
});
