import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { connectH2, watch } from '../support/h2-client.ts';
import {
  buildFrame,
  buildHeaders,
  buildSettings,
  preface,
  settingNumbers,
  toNumberPayload,
  type Field,
} from '../support/h2-frames.ts';
import { buildCall } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually, settle, startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');
const cancel = toNumberPayload(8);
const get: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/mcp'],
  [':authority', 'localhost'],
];

interface RawH2 {
  readonly socket: TLSSocket;
  readonly closed: Promise<unknown>;
  send(...frames: readonly Buffer[]): void;
}

/** An HTTP/2 client that sends the frames it is told. */
async function connectRawH2(rig: Rig, settings = buildSettings()): Promise<RawH2> {
  const { port, ca } = rig.gateway;
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['h2'] });
  socket.on('error', () => socket.destroy());
  socket.resume();
  const closed = new Promise((resolve) => void socket.on('close', resolve));
  await once(socket, 'secureConnect');
  socket.write(Buffer.concat([preface, settings]));
  return { socket, closed, send: (...frames) => void socket.write(Buffer.concat(frames)) };
}

describe('rapid-reset (CVE-2023-44487)', () => {
  it('of 5,000 streams ends the session, and few of them reach anyone', async () => {
    await using rig = await startRig({ answer });
    const client = await connectRawH2(rig);
    for (let stream = 1; stream < 10_000; stream += 2) {
      client.send(buildHeaders(stream, get), buildFrame('reset', { stream, payload: cancel }));
    }
    await client.closed;
    await rig.idle({ upstreamSockets: 'any' });
    expect(rig.gateway.lines.length).toBeLessThan(20);
    expect(rig.upstream.requests.length).toBeLessThan(20);
    using other = await connectH2(rig.gateway);
    expect((await other.post(buildCall()).head)[':status']).toBe(200);
  });

  it('of 300 streams is too much already', async () => {
    await using rig = await startRig({ answer });
    const client = await connectRawH2(rig);
    for (let stream = 1; stream < 600; stream += 2) {
      client.send(buildHeaders(stream, get), buildFrame('reset', { stream, payload: cancel }));
    }
    await client.closed;
    expect(rig.upstream.requests.length).toBeLessThan(20);
  });

  it('control: a client that cancels now and then is left alone', async () => {
    await using rig = await startRig();
    using client = await connectH2(rig.gateway);
    for (let count = 0; count < 50; count++) {
      const exchange = client.get();
      await rig.upstream.next();
      exchange.stream.close(8);
      await exchange.closed();
    }
    expect(client.session.destroyed).toBe(false);
    expect(client.session.closed).toBe(false);
  });
});

describe('protocol floods end the session, and leave no trace in the log', () => {
  it.each<[string, Buffer[]]>([
    [
      'made-you-reset (CVE-2025-8671): window updates of zero',
      Array.from({ length: 400 }, (_, index) => [
        buildHeaders(index * 2 + 1, get, { endStream: false }),
        buildFrame('windowUpdate', { stream: index * 2 + 1, payload: toNumberPayload(0) }),
      ]).flat(),
    ],
    ['settings-flood (CVE-2019-9515)', Array.from({ length: 50_000 }, () => buildFrame('settings'))],
    [
      'ping-flood (CVE-2019-9512)',
      Array.from({ length: 50_000 }, () => buildFrame('ping', { payload: Buffer.alloc(8) })),
    ],
  ])('%s', async (_name, frames) => {
    await using rig = await startRig({ answer });
    const client = await connectRawH2(rig);
    // A client of these floods reads nothing, so that the answers pile up.
    if (frames.length > 10_000) client.socket.pause();
    client.send(...frames);
    await settle();
    client.socket.resume();
    await client.closed;
    expect(rig.gateway.lines.length).toBeLessThan(250);
    expect(rig.gateway.problems).toEqual([]);
  });
});

describe('memory-exhaustion', () => {
  it('bodies of one session hold four times the limit together, then 503', async () => {
    const limits = { bodyBytes: 100_000 };
    await using rig = await startRig({ answer, changes: { limits } });
    using client = await connectH2(rig.gateway);
    const exchanges = Array.from({ length: 8 }, () => {
      const stream = client.session.request({
        ':method': 'POST',
        ':path': '/mcp',
        ':authority': 'localhost',
      });
      stream.write(Buffer.alloc(90_000));
      return watch(stream);
    });
    await eventually(() => rig.gateway.lines.length >= 4, true);
    expect(rig.gateway.lines.every(({ error }) => error === 'E_OVERLOADED')).toBe(true);
    await eventually(() => exchanges.filter(({ stream }) => !stream.closed).length <= 4, true);
    for (const { stream } of exchanges) stream.close(8);
    expect((await client.post(buildCall()).head)[':status']).toBe(200);
  });

  it('data-dribble (CVE-2019-9517): whole answers that a client never takes are dropped after 30 seconds', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer: answerJson('x'.repeat(10_000)) });
    const client = await connectRawH2(rig, buildSettings([settingNumbers.initialWindowSize, 0]));
    for (let stream = 1; stream < 200; stream += 2) client.send(buildHeaders(stream, get));
    await eventually(() => rig.gateway.lines.length, 100);
    await settle();
    expect(rig.gateway.gateway.load.connections).toBe(1);
    clock.advance(33_000);
    await settle();
    clock.advance(76_000);
    await client.closed;
    await rig.idle({ upstreamSockets: 'any' });
    expect(rig.gateway.gateway.load.connections).toBe(0);
  });

  it('data-dribble (CVE-2019-9517): refusals that a client never takes are dropped after 30 seconds', async () => {
    const clock = new ManualClock();
    await using rig = await startRig({ clock, answer });
    const client = await connectRawH2(rig, buildSettings([settingNumbers.initialWindowSize, 0]));
    const fragment: readonly Field[] = get.map(([name, value]) => [
      name,
      name === ':path' ? '/mcp#x' : value,
    ]);
    for (let stream = 1; stream < 100; stream += 2) client.send(buildHeaders(stream, fragment));
    await eventually(() => rig.gateway.lines.length, 50);
    expect(rig.gateway.lines.every(({ error }) => error === 'E_HTTP_BAD_REQUEST')).toBe(true);
    await settle();
    clock.advance(33_000);
    await settle();
    clock.advance(76_000);
    await client.closed;
    await rig.idle({ upstreamSockets: 'any' });
  });
});
