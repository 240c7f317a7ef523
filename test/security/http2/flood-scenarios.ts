import {
  buildFrame,
  buildHeaders,
  buildSettings,
  encodeFields,
  encodeIndexedField,
  flags,
  settingNumbers,
  toNumberPayload,
  type Field,
} from '../../support/h2-frames.ts';

export interface FloodScenario {
  readonly name: string;
  /** How many times it is done, in three sizes. */
  readonly sizes: readonly [number, number, number];
  /** Settings of the attacker. */
  readonly settings: Buffer;
  /** The writes it is made of, a turn of the event loop apart. */
  readonly build: (count: number) => readonly Buffer[];
  /**
   * `session`: the gateway ends the session within a second. `bounds`: what is sent is legal, so that it goes on
   * within the bounds on streams, memory and time.
   */
  readonly endedBy: 'session' | 'bounds';
}

const get: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/mcp'],
  [':authority', 'localhost'],
];
const post: readonly Field[] = [[':method', 'POST'], ...get.slice(1)];
const cancel = toNumberPayload(8);
const none = Buffer.alloc(0);
/** Streams of one wave; fewer than may be open at a time. */
const WAVE = 50;
const ping = buildFrame('ping', { payload: Buffer.alloc(8) });
const overflow = toNumberPayload(0x7fffffff);

function repeat(count: number, build: (stream: number, index: number) => readonly Buffer[]): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => build(index * 2 + 1, index)).flat());
}

function isSession(
  name: string,
  build: (count: number) => Buffer | readonly Buffer[],
  sizes: FloodScenario['sizes'] = [1000, 5000, 25_000],
): FloodScenario {
  return { name, sizes, settings: none, build: (count) => [build(count)].flat(), endedBy: 'session' };
}

function buildBomb(stream: number, index: number): readonly Buffer[] {
  const entry = index === 0 ? encodeIndexedField('x-bomb', 'b'.repeat(4000)) : none;
  const uses = Buffer.alloc(1000, 0x80 | 62);
  const payload = Buffer.concat([encodeFields(get), entry, uses]);
  return [buildFrame('headers', { flags: flags.endHeaders | flags.endStream, stream, payload })];
}

export const floodScenarios: readonly FloodScenario[] = [
  isSession('rapid-reset (CVE-2023-44487)', (count) =>
    repeat(count, (stream) => [buildHeaders(stream, get), buildFrame('reset', { stream, payload: cancel })]),
  ),
  isSession('rapid-reset in waves, so that each request is seen before its reset', (count) =>
    Array.from({ length: Math.ceil(count / WAVE) }, (_, wave) => {
      const streams = Array.from({ length: WAVE }, (_unused, index) => (wave * WAVE + index) * 2 + 1);
      return [
        Buffer.concat(streams.map((stream) => buildHeaders(stream, get))),
        Buffer.concat(streams.map((stream) => buildFrame('reset', { stream, payload: cancel }))),
      ];
    }).flat(),
  ),
  isSession('made-you-reset (CVE-2025-8671) by WINDOW_UPDATE of zero', (count) =>
    repeat(count, (stream) => [
      buildHeaders(stream, get),
      buildFrame('windowUpdate', { stream, payload: toNumberPayload(0) }),
    ]),
  ),
  isSession('made-you-reset by a window over the maximum', (count) =>
    repeat(count, (stream) => [
      buildHeaders(stream, get),
      buildFrame('windowUpdate', { stream, payload: overflow }),
    ]),
  ),
  isSession('made-you-reset by DATA on a half-closed stream', (count) =>
    repeat(count, (stream) => [
      buildHeaders(stream, get),
      buildFrame('data', { stream, payload: Buffer.from('x') }),
    ]),
  ),
  isSession('continuation flood (CVE-2024-27983)', (count) =>
    Buffer.concat([
      buildFrame('headers', { flags: flags.endStream, stream: 1, payload: encodeFields(get) }),
      repeat(count, () => [buildFrame('continuation', { stream: 1, payload: encodeFields([['x', 'y']]) })]),
    ]),
  ),
  isSession('ping flood (CVE-2019-9512)', (count) => repeat(count, () => [ping]), [5000, 20_000, 100_000]),
  isSession(
    'settings flood (CVE-2019-9515)',
    (count) => repeat(count, () => [buildFrame('settings')]),
    [5000, 20_000, 100_000],
  ),
  isSession(
    'empty DATA flood (CVE-2019-9518)',
    (count) =>
      Buffer.concat([
        buildHeaders(1, post, { endStream: false }),
        repeat(count, () => [buildFrame('data', { stream: 1 })]),
      ]),
    [5000, 20_000, 100_000],
  ),
  isSession(
    'priority flood (CVE-2019-9513)',
    (count) =>
      repeat(count, (stream) => [buildFrame('priority', { stream, payload: Buffer.from([0, 0, 0, 0, 9]) })]),
    [20_000, 50_000, 100_000],
  ),
  {
    name: 'hpack bomb (CVE-2016-1544): one entry of 4,000 bytes, used 1,000 times a request',
    sizes: [100, 500, 1000],
    settings: none,
    build: (count) => [repeat(count, buildBomb)],
    endedBy: 'bounds',
  },
  {
    name: 'data dribble (CVE-2019-9517): answers into a window of zero',
    sizes: [100, 1000, 5000],
    settings: buildSettings([settingNumbers.initialWindowSize, 0]),
    build: (count) => [repeat(count, (stream) => [buildHeaders(stream, get)])],
    endedBy: 'bounds',
  },
  {
    name: 'trickle: streams with one byte of a body each',
    sizes: [100, 1000, 5000],
    settings: none,
    build: (count) => [
      repeat(count, (stream) => [
        buildHeaders(stream, post, { endStream: false }),
        buildFrame('data', { stream, payload: Buffer.from('{') }),
      ]),
    ],
    endedBy: 'bounds',
  },
];
