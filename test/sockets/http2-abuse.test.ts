import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { connectH2, watch } from '../support/h2-client.ts';
import { buildCall } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually, settle, startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const frameTypes = {
  data: 0,
  headers: 1,
  rst: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
} as const;

function frame(
  type: keyof typeof frameTypes,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = frameTypes[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK: literals without indexing, which need no table. */
function encodeFields(fields: readonly (readonly [string, string])[]): Buffer {
  const encode = (text: string): Buffer =>
    Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'latin1')]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), encode(name), encode(value)]));
}

const get: [string, string][] = [
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
async function connectRawH2(rig: Rig, settings = Buffer.alloc(0)): Promise<RawH2> {
  const { port, ca } = rig.gateway;
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost', ALPNProtocols: ['h2'] });
  socket.on('error', () => socket.destroy());
  socket.resume();
  const closed = new Promise((resolve) => void socket.on('close', resolve));
  await once(socket, 'secureConnect');
  socket.write(Buffer.concat([preface, frame('settings', 0, 0, settings)]));
  return { socket, closed, send: (...frames) => void socket.write(Buffer.concat(frames)) };
}

describe('rapid-reset (CVE-2023-44487)', () => {
  it('of 5,000 streams ends the session, and few of them reach anyone', async () => {
    await using rig = await startRig({ answer });
    const client = await connectRawH2(rig);
    for (let stream = 1; stream < 10_000; stream += 2) {
      client.send(
        frame('headers', 5, stream, encodeFields(get)),
        frame('rst', 0, stream, Buffer.from([0, 0, 0, 8])),
      );
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
      client.send(
        frame('headers', 5, stream, encodeFields(get)),
        frame('rst', 0, stream, Buffer.from([0, 0, 0, 8])),
      );
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

describe('protocol floods end the session', () => {
  const open = frame('headers', 5, 1, encodeFields(get));
  it.each<[string, Buffer[]]>([
    [
      'made-you-reset (CVE-2025-8671): window updates of zero',
      Array.from({ length: 400 }, (_, index) => [
        frame('headers', 4, index * 2 + 1, encodeFields(get)),
        frame('windowUpdate', 0, index * 2 + 1, Buffer.alloc(4)),
      ]).flat(),
    ],
    [
      'continuation-flood (CVE-2024-27983)',
      [
        frame('headers', 0, 1, encodeFields(get)),
        ...Array.from({ length: 20_000 }, () => frame('continuation', 0, 1, encodeFields([['x', 'y']]))),
      ],
    ],
    ['settings-flood (CVE-2019-9515)', Array.from({ length: 50_000 }, () => frame('settings', 0, 0))],
    [
      'ping-flood (CVE-2019-9512)',
      Array.from({ length: 50_000 }, () => frame('ping', 0, 0, Buffer.alloc(8))),
    ],
    ['a stream number used twice', [open, open, open]],
    ['data on no stream', [frame('data', 0, 0, Buffer.from('x'))]],
    ['a frame larger than agreed', [frame('data', 0, 1, Buffer.alloc(20_000))]],
    ['no HTTP/2 at all', [Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')]],
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

describe('downgrade-smuggling: heads no HTTP/2 client library sends', () => {
  it.each<[string, [string, string][]]>([
    ['a line break in a value', [...get, ['x', 'a\r\ny: b']]],
    ['a line feed in a value', [...get, ['x', 'a\nb']]],
    ['a NUL in a value', [...get, ['x', 'a\0b']]],
    ['a line break in a name', [...get, ['x: a\r\ny', 'b']]],
    ['a colon in a name', [...get, ['x:y', 'b']]],
    ['a space in a name', [...get, ['x y', 'b']]],
    ['an empty name', [...get, ['', 'b']]],
    ['a name in capitals', [...get, ['X-Forwarded-For', 'b']]],
    ['an unknown pseudo field', [...get, [':x', 'b']]],
    ['a pseudo field behind others', [...get, ['x', 'y'], [':path', '/']]],
    ['two paths', [...get, [':path', '/other']]],
    ['two methods', [...get, [':method', 'POST']]],
    ['two authorities', [...get, [':authority', 'other']]],
    ['no method', get.slice(1)],
    ['no path', [get[0], get[1], get[3]].filter((field) => field !== undefined)],
    ['no authority', get.slice(0, 3)],
    ['another host', [...get, ['host', 'other']]],
    ['two hosts', [...get, ['host', 'localhost'], ['host', 'localhost']]],
    ['a path with a space', [...get.slice(0, 2), [':path', '/mcp HTTP/1.1'], [':authority', 'localhost']]],
    [
      'a path with a line break',
      [...get.slice(0, 2), [':path', '/mcp\r\nx: y'], [':authority', 'localhost']],
    ],
    [
      'an absolute path',
      [...get.slice(0, 2), [':path', 'https://localhost/mcp'], [':authority', 'localhost']],
    ],
    ['an authority with user info', [...get.slice(0, 3), [':authority', 'localhost@evil']]],
    ['an authority with a line break', [...get.slice(0, 3), [':authority', 'localhost\r\nx: y']]],
    ['a method with a space', [[':method', 'GET /x'], ...get.slice(1)]],
    ['transfer-encoding', [...get, ['transfer-encoding', 'chunked']]],
    ['connection', [...get, ['connection', 'close']]],
    ['upgrade', [...get, ['upgrade', 'h2c']]],
    ['a length that is wrong', [...get, ['content-length', '5']]],
    ['two lengths', [...get, ['content-length', '0'], ['content-length', '0']]],
    [
      'CONNECT',
      [
        [':method', 'CONNECT'],
        [':authority', 'localhost:1'],
      ],
    ],
    ['websocket CONNECT', [[':method', 'CONNECT'], [':protocol', 'websocket'], ...get.slice(1)]],
  ])('%s: nothing is forwarded, or nothing of it', async (_name, fields) => {
    await using rig = await startRig({ answer });
    const client = await connectRawH2(rig);
    client.send(frame('headers', 5, 1, encodeFields(fields)), frame('ping', 0, 0, Buffer.alloc(8)));
    await once(client.socket, 'data');
    await settle();
    client.socket.destroy();
    await rig.idle({ upstreamSockets: 'any' });
    for (const { head } of rig.upstream.requests) {
      expect(head).toMatch(/^GET \/mcp HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nx-forwarded-for: 127/);
      expect(head.split('\r\n')).toHaveLength(7);
    }
    expect(rig.gateway.problems).toEqual([]);
  });

  it('control: the same by hand without the trick is forwarded', async () => {
    await using rig = await startRig({ answer });
    const client = await connectRawH2(rig);
    client.send(frame('headers', 5, 1, encodeFields([...get, ['x', 'y']])));
    expect((await rig.upstream.next()).head).toContain('\r\nx: y\r\n');
    client.socket.destroy();
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
    // SETTINGS_INITIAL_WINDOW_SIZE of zero.
    const client = await connectRawH2(rig, Buffer.from([0, 4, 0, 0, 0, 0]));
    for (let stream = 1; stream < 200; stream += 2)
      client.send(frame('headers', 5, stream, encodeFields(get)));
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
});
