import { expect } from 'vitest';
import {
  buildFrame,
  buildHeaders,
  encodeFields,
  encodeIndexedField,
  flags,
  toNumberPayload,
  type Field,
} from '../../support/h2-frames.ts';
import { connectH2Frames, type H2FramesClient } from '../../support/h2-frames-client.ts';
import { countSockets } from '../../support/process-meter.ts';
import { eventually } from '../../support/rig.ts';
import type { AdvisoryCase, AdvisoryRig } from './advisory-case.ts';

const MEBIBYTE = 1024 * 1024;
/** What may stay behind in memory after a case; each of them would leak several times as much. */
const MOST_GROWTH = 8 * MEBIBYTE;
const ORIGIN_FRAME = 0xc;
const ALTSVC_FRAME = 0xa;

const start: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/mcp'],
  [':authority', 'localhost'],
];

/** Cases of HTTP/2. */
export function buildHttp2Cases(): readonly AdvisoryCase[] {
  const bad = (name: string, block: Buffer): AdvisoryCase => ({
    cve: 'CVE-2025-59465',
    name,
    run: (rig) =>
      expectEnd(
        rig,
        buildFrame('headers', { flags: flags.endHeaders | flags.endStream, stream: 1, payload: block }),
      ),
  });
  return [
    bad('a field block with an index of nothing', Buffer.from([0xff, 0xff, 0xff, 0x7f])),
    bad('a field block that is cut off', encodeFields(start).subarray(0, 20)),
    bad('a field block that asks for too large a table', Buffer.from([0x3f, 0xff, 0xff, 0xff, 0x7f])),
    bad('a field block of noise', Buffer.alloc(200, 0xfe)),
    {
      cve: 'CVE-2026-21714',
      name: 'windows widened beyond all bounds, 100 sessions',
      run: (rig) =>
        expectNoLeak(rig, 100, async (client) => {
          client.send(
            buildHeaders(1, start),
            ...Array.from({ length: 3 }, () =>
              buildFrame('windowUpdate', { payload: toNumberPayload(0x7fffffff) }),
            ),
          );
          await client.find(() => undefined);
        }),
    },
    {
      cve: 'CVE-2026-48619',
      name: '1,000 ORIGIN frames of a client',
      run: (rig) => expectIgnored(rig, ORIGIN_FRAME),
    },
    {
      cve: 'CVE-2026-48619',
      name: '1,000 ALTSVC frames of a client',
      run: (rig) => expectIgnored(rig, ALTSVC_FRAME),
    },
    {
      cve: 'CVE-2026-48937',
      name: 'GOAWAY with streams open, 100 sessions',
      run: (rig) =>
        expectCleanUp(rig, (client) => client.send(buildFrame('goaway', { payload: Buffer.alloc(8) }))),
    },
    {
      cve: 'CVE-2025-23085',
      name: 'gone without GOAWAY with streams open, 100 sessions',
      run: (rig) => expectCleanUp(rig, () => undefined),
    },
    {
      cve: 'CVE-2026-56846',
      name: 'small blocks that unfold to large field lists',
      run: expectListLimit,
    },
    {
      cve: 'CVE-2026-56846',
      name: 'a field list of 1 MiB in CONTINUATION frames',
      run: (rig) => expectEnd(rig, buildLongList()),
    },
    {
      cve: 'CVE-2026-56848',
      name: 'reset, window and GOAWAY in the middle of answers, 100 sessions',
      run: (rig) =>
        expectNoLeak(rig, 100, async (client) => {
          const streams = [1, 3, 5, 7, 9];
          client.send(
            ...streams.map((stream) => buildHeaders(stream, start)),
            ...streams.map((stream) => buildFrame('reset', { stream, payload: toNumberPayload(8) })),
            buildFrame('windowUpdate', { payload: toNumberPayload(1) }),
            buildFrame('goaway', { payload: Buffer.alloc(8) }),
          );
          await Promise.resolve();
        }),
    },
    {
      cve: 'CVE-2024-27983',
      name: 'gone between HEADERS and CONTINUATION, 100 sessions',
      run: (rig) =>
        expectNoLeak(rig, 100, async (client) => {
          client.send(buildFrame('headers', { stream: 1, payload: encodeFields(start) }));
          client.send(buildFrame('continuation', { stream: 1, payload: Buffer.alloc(100), length: 200 }));
          await Promise.resolve();
        }),
    },
    { cve: 'CVE-2026-21710', name: 'a field named __proto__, HTTP/2', run: expectNoPrototype },
  ];
}

/** The gateway ends the session, and nothing reaches the upstream. */
async function expectEnd(rig: AdvisoryRig, bytes: Buffer): Promise<void> {
  const before = rig.upstream.requests.length;
  using client = await connectH2Frames(rig.gateway);
  client.send(bytes);
  const { goaway, status } = await client.answer();
  expect(status ?? 400).toBeGreaterThanOrEqual(400);
  if (status === undefined) expect(goaway).not.toBe(0);
  expect(rig.upstream.requests).toHaveLength(before);
}

/** Sessions come and go; memory and sockets are back afterwards. */
async function expectNoLeak(
  rig: AdvisoryRig,
  sessions: number,
  attack: (client: H2FramesClient) => Promise<void>,
): Promise<void> {
  const round = async (count: number): Promise<void> => {
    for (let session = 0; session < count; session++) {
      using client = await connectH2Frames(rig.gateway);
      await attack(client);
    }
  };
  await round(10);
  const { pid } = rig.gateway;
  const sockets = countSockets(pid);
  const before = await rig.gateway.measureHeap();
  await round(sessions);
  await expect.poll(() => countSockets(pid), { timeout: 10_000 }).toBeLessThanOrEqual(sockets + 2);
  expect((await rig.gateway.measureHeap()) - before).toBeLessThan(MOST_GROWTH);
}

async function expectIgnored(rig: AdvisoryRig, type: number): Promise<void> {
  using client = await connectH2Frames(rig.gateway);
  const payload = Buffer.concat([Buffer.from([0, 19]), Buffer.from('https://evil.example')]).subarray(0, 21);
  client.send(...Array.from({ length: 1000 }, () => buildFrame(type, { payload })));
  client.send(buildHeaders(1, start));
  const { status, goaway } = await client.answer();
  // RFC 8336 section 2.1: a server ignores it; ending the session would do as well.
  expect(status ?? goaway).toBeDefined();
}

async function expectCleanUp(rig: AdvisoryRig, leave: (client: H2FramesClient) => void): Promise<void> {
  rig.answer = () => {
    // The streams stay open until the client has gone.
  };
  await eventually(() => rig.upstream.openSockets <= 1, true, 10_000);
  const before = rig.upstream.requests.length;
  const sockets = countSockets(rig.gateway.pid);
  for (let session = 1; session <= 100; session++) {
    using client = await connectH2Frames(rig.gateway);
    client.send(buildHeaders(1, start));
    await eventually(() => rig.upstream.requests.length, before + session);
    leave(client);
  }
  await expect.poll(() => rig.upstream.openSockets, { timeout: 10_000 }).toBeLessThanOrEqual(1);
  await expect.poll(() => countSockets(rig.gateway.pid), { timeout: 10_000 }).toBeLessThanOrEqual(sockets);
}

/** One field of 4,000 bytes goes into the table once and is then named a thousand times by one byte (HPACK bomb). */
async function expectListLimit(rig: AdvisoryRig): Promise<void> {
  const before = rig.upstream.requests.length;
  using client = await connectH2Frames(rig.gateway);
  const fill = Buffer.concat([encodeFields(start), encodeIndexedField('x', 'a'.repeat(4000))]);
  const repeat = Buffer.concat([encodeFields(start), Buffer.alloc(1000, 0x80 | 62)]);
  const toFrame = (stream: number, payload: Buffer): Buffer =>
    buildFrame('headers', { flags: flags.endHeaders | flags.endStream, stream, payload });
  client.send(toFrame(1, fill), ...Array.from({ length: 50 }, (_, index) => toFrame(3 + 2 * index, repeat)));
  const { status, reset, goaway } = await client.answer(101);
  expect(status === undefined || status >= 400).toBe(true);
  expect(status ?? reset ?? goaway).toBeDefined();
  expect(rig.upstream.requests.length - before).toBeLessThanOrEqual(1);
}

function buildLongList(): Buffer {
  const block = Buffer.concat([
    encodeFields(start),
    encodeFields(Array.from({ length: 300 }, (_, index): Field => [`x-${index}`, 'a'.repeat(3500)])),
  ]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < block.length; at += 16_384) {
    const end = at + 16_384 >= block.length ? flags.endHeaders : 0;
    const payload = block.subarray(at, at + 16_384);
    pieces.push(
      buildFrame(at === 0 ? 'headers' : 'continuation', {
        flags: end | (at === 0 ? flags.endStream : 0),
        stream: 1,
        payload,
      }),
    );
  }
  return Buffer.concat(pieces);
}

async function expectNoPrototype(rig: AdvisoryRig): Promise<void> {
  using client = await connectH2Frames(rig.gateway);
  client.send(buildHeaders(1, [...start, ['__proto__', 'x'], ['x-last', 'y']]));
  const { status } = await client.answer();
  expect(status).toBe(200);
  const head = rig.upstream.requests.at(-1)?.head ?? '';
  expect(head).toContain('\r\nx-last: y');
  expect(head).not.toContain('__proto__');
}
