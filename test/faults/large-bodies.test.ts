import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { startAskedProcess } from '../support/asked-process.ts';
import { recordEvidence } from '../support/evidence.ts';
import { startFaultRelay } from '../support/fault-relay.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { buildCall } from '../support/messages.ts';
import { readResidentBytes } from '../support/process-meter.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { receive } from '../support/rig.ts';
import type { BodyQuestion, BodyState } from './body-upstream-protocol.ts';
import type { Protocol } from './calls.ts';
import { until } from '../support/until.ts';
import { BASELINE_MILLISECONDS, endedWell, nothingLeft, startFaultRig, type FaultRig } from './fault-rig.ts';
import { digestPattern } from './pattern.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const HUGE = 100 * MIB;
const GROWTH_LIMIT = 32 * MIB;
const SAMPLE_MILLISECONDS = 50;
const program = new URL('body-upstream-process.ts', import.meta.url);

interface Received {
  readonly status: number;
  readonly bytes: number;
  readonly digest: string;
  readonly body: string;
}

interface Sent {
  readonly path?: string;
  readonly body: string | Buffer;
}

type Exchange = (gateway: GatewayProcess, sent: Sent) => Promise<Received>;

const jsonFields = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

function collect(): { add(chunk: Buffer): void; finish(status: number): Received } {
  const hash = createHash('sha256');
  let bytes = 0;
  let body = '';
  return {
    add(chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes < KIB) body += chunk.toString('latin1');
    },
    finish: (status) => ({ status, bytes, digest: hash.digest('hex'), body }),
  };
}

const exchanges: Readonly<Record<Protocol, Exchange>> = {
  h1: ({ port, ca }, { path = '/mcp', body }) =>
    new Promise((resolve, reject) => {
      const headers = { ...jsonFields, 'content-length': Buffer.byteLength(body) };
      const options = {
        host: '127.0.0.1',
        servername: 'localhost',
        port,
        ca,
        path,
        method: 'POST',
        agent: false,
      };
      const message = request({ ...options, headers: { host: 'localhost', ...headers } }, (response) => {
        const received = collect();
        response.on('data', (chunk: Buffer) => received.add(chunk));
        response.on('error', reject);
        response.on('end', () => resolve(received.finish(response.statusCode ?? 0)));
      });
      message.on('error', reject);
      message.end(body);
    }),
  h2: ({ port, ca }, { path = '/mcp', body }) =>
    new Promise((resolve, reject) => {
      const session = connectHttp2(`https://localhost:${port}`, { ca, host: '127.0.0.1' });
      session.on('error', reject);
      const head = { ':method': 'POST', ':path': path, ':authority': 'localhost', ...jsonFields };
      const stream = session.request(head);
      const received = collect();
      let status = 0;
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (chunk: Buffer) => received.add(chunk));
      stream.on('error', reject);
      stream.on('end', () => {
        session.destroy();
        resolve(received.finish(status));
      });
      stream.end(body);
    }),
};
const protocols = ['h1', 'h2'] as const;

interface Bodies extends AsyncDisposable {
  readonly rig: FaultRig;
  state(): Promise<BodyState>;
}

async function start(limits: Readonly<Record<string, string>> = {}): Promise<Bodies> {
  const upstream = await startAskedProcess<BodyQuestion, BodyState>(program);
  const state = (): Promise<BodyState> => upstream.ask({ kind: 'report' });
  const { port } = await state();
  const rig = await startFaultRig({ upstreamPort: port, limits });
  return {
    rig,
    state,
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

/** The most resident memory while something runs. */
async function measurePeak(pid: number, work: () => Promise<void>): Promise<number> {
  let peak = readResidentBytes(pid);
  const sampling = setInterval(() => (peak = Math.max(peak, readResidentBytes(pid))), SAMPLE_MILLISECONDS);
  await work().finally(() => clearInterval(sampling));
  return peak;
}

function toMebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('large-bodies (T35)', () => {
  const figures: Record<string, string | number> = {};
  let control = '';
  let cases = 0;
  let failures = 0;

  it.each(protocols)('of all sizes come down byte by byte over %s', async (protocol) => {
    await using bodies = await start();
    const { gateway } = bodies.rig;
    const ask = (query: string): Promise<Received> =>
      exchanges[protocol](gateway, { path: `/mcp?${query}`, body: buildCall() });
    for (const bytes of [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 8 * MIB + 1]) {
      for (const manner of ['', '&chunked', '&chunked&trailer']) {
        expect(await ask(`bytes=${bytes}${manner}`), `${bytes}${manner}`).toMatchObject({
          status: 200,
          bytes,
          digest: digestPattern(bytes),
        });
        cases++;
      }
    }
    const expected = { status: 200, bytes: HUGE, digest: digestPattern(HUGE) };
    const download = async (): Promise<void> => {
      for (const manner of ['', '&chunked']) {
        expect(await ask(`bytes=${HUGE}${manner}`)).toMatchObject(expected);
        cases++;
      }
    };
    // Written buffers that are not collected yet make resident memory swing; what bodies take beyond that would add up.
    await gateway.measureHeap();
    const before = readResidentBytes(gateway.pid);
    const first = await measurePeak(gateway.pid, download);
    await gateway.measureHeap();
    const growth = Math.max(0, (await measurePeak(gateway.pid, download)) - first);
    figures[`100 MiB down over ${protocol}, resident growth`] =
      `${toMebibytes(first - before)} the first time, ${toMebibytes(growth)} more the second`;
    expect(first - before).toBeLessThan(2 * GROWTH_LIMIT);
    expect(growth).toBeLessThan(GROWTH_LIMIT);
    const idle = await gateway.measureHeap();
    const reading = download();
    let alive = 0;
    for (let sample = 0; sample < 5; sample++) {
      alive = Math.max(alive, (await gateway.measureHeap()) - idle);
      await Promise.race([reading, sleep(SAMPLE_MILLISECONDS)]);
    }
    await reading;
    figures[`100 MiB down over ${protocol}, alive meanwhile`] = toMebibytes(alive);
    expect(alive).toBeLessThan(GROWTH_LIMIT);
    expect(await bodies.rig.leftovers()).toEqual(nothingLeft);
    expect(await bodies.rig.end()).toEqual(endedWell);
  });

  it.each(protocols)(
    'go up byte by byte over %s, to the limit and not one byte further',
    async (protocol) => {
      await using bodies = await start({ body: '1MiB' });
      const { gateway } = bodies.rig;
      const send = (body: string): Promise<Received> => exchanges[protocol](gateway, { body });
      const sizes = [buildCall().length, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB - 1, MIB];
      for (const size of sizes) {
        expect(await send(buildCall({ size })), `${size}`).toMatchObject({ status: 200 });
        cases++;
      }
      for (const [body, status] of [
        ['', 400],
        ['{', 400],
        [buildCall({ size: MIB + 1 }), 413],
      ] as const) {
        expect(await send(body), `${body.length}`).toMatchObject({ status });
        cases++;
      }
      const { received } = await bodies.state();
      expect(received).toEqual(sizes.map((size) => ({ bytes: size, digest: digest(buildCall({ size })) })));
      expect(await bodies.rig.leftovers()).toEqual(nothingLeft);
      expect(await bodies.rig.end()).toEqual(endedWell);
    },
  );

  it.each(protocols)('of 100 MiB go up whole over %s where the limit allows it', async (protocol) => {
    await using bodies = await start({ body: '100MiB' });
    const { gateway } = bodies.rig;
    const body = buildCall({ size: HUGE });
    const before = readResidentBytes(gateway.pid);
    const peak = await measurePeak(gateway.pid, async () => {
      expect(await exchanges[protocol](gateway, { body })).toMatchObject({ status: 200 });
    });
    const growth = peak - before;
    cases++;
    figures[`100 MiB up over ${protocol}, read whole, resident growth`] = toMebibytes(growth);
    const { received } = await bodies.state();
    expect(received).toEqual([{ bytes: HUGE, digest: digest(body) }]);
    // It is held once, and copied on its way in and out; nothing of it may stay.
    expect(growth).toBeLessThan(4 * HUGE);
    expect(await bodies.rig.leftovers()).toEqual(nothingLeft);
    expect(await bodies.rig.end()).toEqual(endedWell);
  });

  it('are asked for with 100 Continue, once, and refused before they come when too long', async () => {
    await using bodies = await start({ body: '1MiB' });
    const { gateway } = bodies.rig;
    const expectation = { fields: 'Expect: 100-continue\r\n' };
    const body = buildCall({ size: MIB });
    const client = await connectRaw(gateway);
    client.send(buildPost(body, expectation).slice(0, -body.length));
    await client.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send(body);
    expect(await receive(client)).toMatchObject({ status: 200 });
    expect(client.received.match(/100 Continue/g)).toHaveLength(1);
    client.socket.destroy();
    const long = buildCall({ size: MIB + 1 });
    const refused = await connectRaw(gateway);
    refused.send(buildPost(long, expectation).slice(0, -long.length));
    expect(await refused.closed()).toMatch(/^HTTP\/1\.1 413 /);
    const { received } = await bodies.state();
    expect(received).toEqual([{ bytes: MIB, digest: digest(body) }]);
    cases += 2;
    expect(await bodies.rig.leftovers()).toEqual(nothingLeft);
    expect(await bodies.rig.end()).toEqual(endedWell);
  });

  it('in chunks are counted to the byte as well, and trailers of requests are refused', async () => {
    await using bodies = await start({ body: '64KiB' });
    const { gateway } = bodies.rig;
    const head =
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const inChunks = (body: string): string => {
      const pieces = body.match(/.{1,1000}/gs) ?? [];
      return pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
    };
    const whole = buildCall({ size: 64 * KIB });
    for (const [what, rest, status] of [
      ['at the limit', `${inChunks(whole)}0\r\n\r\n`, 200],
      ['above the limit', `${inChunks(buildCall({ size: 64 * KIB + 1 }))}0\r\n\r\n`, 413],
      ['with a trailer', `${inChunks(buildCall())}0\r\nX-Checksum: abc\r\n\r\n`, 400],
    ] as const) {
      const client = await connectRaw(gateway);
      client.send(head + rest);
      expect((await receive(client)).status, what).toBe(status);
      client.socket.destroy();
      cases++;
    }
    const { received } = await bodies.state();
    expect(received).toEqual([{ bytes: whole.length, digest: digest(whole) }]);
    expect(await bodies.rig.leftovers()).toEqual(nothingLeft);
    expect(await bodies.rig.end()).toEqual(endedWell);
  });

  it('control: a body of which the end is missing is noticed', async () => {
    await using bodies = await start();
    const { port } = await bodies.state();
    await using relay = await startFaultRelay({ targetPort: port });
    await using rig = await startFaultRig({ upstreamPort: relay.port });
    const bytes = 8 * MIB;
    const ask = (): Promise<Received> =>
      exchanges.h1(rig.gateway, { path: `/mcp?bytes=${bytes}`, body: buildCall() });
    const whole = digestPattern(bytes);
    expect(await ask()).toMatchObject({ bytes, digest: whole });
    // The next one comes over a connection of its own.
    await until(() => relay.open === 0, BASELINE_MILLISECONDS);
    relay.set('toClient', { cutAfter: 4 * MIB });
    await expect(ask()).rejects.toThrow();
    control = 'cut after 4 of 8 MiB: no whole answer';
  });

  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failures++;
  });

  afterAll(() => {
    recordEvidence({ id: 'T35', title: 'large bodies', cases, failures, figures, control });
  });
});
