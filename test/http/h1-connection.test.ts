import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BodyBudget } from '../../src/http/body-budget.ts';
import { Deadlines } from '../../src/http/deadlines.ts';
import type { IncomingRequest, ResponseSink } from '../../src/http/exchange.ts';
import { H1Connection } from '../../src/http/h1-connection.ts';
import type { ErrorCode } from '../../src/lib/error-codes.ts';
import { ManualClock } from '../support/manual-clock.ts';

/** A socket whose writes complete only when the test lets them. */
class HeldSocket extends Duplex {
  readonly taken: Buffer[] = [];
  held = false;
  #release: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 1024 });
  }

  get text(): string {
    return Buffer.concat(this.taken).toString('latin1');
  }

  override _read(): void {
    // Input comes from `push`.
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    const finish = (): void => {
      this.taken.push(bytes);
      done();
    };
    if (this.held) this.#release = finish;
    else finish();
  }

  /** Completes the write under way. */
  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}

interface Bench {
  readonly socket: HeldSocket;
  readonly clock: ManualClock;
  readonly connection: H1Connection;
  readonly requests: readonly { readonly request: IncomingRequest; readonly sink: ResponseSink }[];
  readonly refusals: readonly ErrorCode[];
  readonly closed: boolean;
  feed(text: string): Promise<void>;
  pass(milliseconds: number): Promise<void>;
}

function startBench(options: { readonly bodies?: BodyBudget; readonly address?: string } = {}): Bench {
  const { bodies = new BodyBudget(1_000_000), address = '192.0.2.1' } = options;
  const socket = new HeldSocket();
  const clock = new ManualClock();
  const requests: { request: IncomingRequest; sink: ResponseSink }[] = [];
  const refusals: ErrorCode[] = [];
  let closed = false;
  const connection = new H1Connection({
    // It uses what every Duplex has.
    socket: socket as unknown as Socket,
    peer: { address, port: 1, secure: true },
    onClosed: () => (closed = true),
    environment: {
      settings: {
        headBytes: 16_384,
        head: { fields: 100, urlBytes: 4096 },
        bodyBytes: 100_000,
        headTimeout: 10_000,
        bodyTimeout: 30_000,
        idleTimeout: 75_000,
        stallTimeout: 30_000,
      },
      bodies,
      deadlines: new Deadlines(clock),
      handler: (request, sink) => void requests.push({ request, sink }),
      onRefused: ({ code }) => void refusals.push(code),
    },
  });
  return {
    socket,
    clock,
    connection,
    requests,
    refusals,
    get closed() {
      return closed;
    },
    async feed(text) {
      socket.push(Buffer.from(text, 'latin1'));
      await setImmediate();
    },
    async pass(milliseconds) {
      clock.advance(milliseconds);
      await setImmediate();
    },
  };
}

const get = 'GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n';
const large = Buffer.alloc(4096, 'x');

describe('a client that reads slowly', () => {
  it('gets its last answer whole, however long it takes to read it', async () => {
    const bench = startBench();
    bench.socket.held = true;
    await bench.feed(get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    const sink = bench.requests[0]?.sink;
    sink?.open(200, [], undefined);
    for (let count = 0; count < 4; count++) {
      sink?.write(large);
      sink?.flush();
    }
    sink?.end();
    for (let count = 0; count < 5; count++) {
      await bench.pass(20_000);
      expect(bench.socket.destroyed).toBe(false);
      bench.socket.release();
      await setImmediate();
    }
    expect(bench.socket.text).toMatch(/x\r\n0\r\n\r\n$/);
    expect(bench.socket.writableFinished).toBe(true);
    await bench.pass(3000);
    expect(bench.closed).toBe(true);
  });

  it('control: one that takes nothing of it is cut after 30 seconds', async () => {
    const bench = startBench();
    bench.socket.held = true;
    await bench.feed(get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    bench.requests[0]?.sink.send(200, [], large);
    await bench.pass(29_500);
    expect(bench.socket.destroyed).toBe(false);
    await bench.pass(1000);
    expect(bench.closed).toBe(true);
  });

  it('is served its next pipelined request only when the answer before has left', async () => {
    const bench = startBench();
    bench.socket.held = true;
    await bench.feed(get.repeat(3));
    bench.requests[0]?.sink.send(200, [], large);
    await bench.pass(5000);
    expect(bench.requests).toHaveLength(1);
    bench.socket.release();
    await setImmediate();
    expect(bench.requests).toHaveLength(2);
  });

  it('control: one that reads is served the next at once', async () => {
    const bench = startBench();
    await bench.feed(get.repeat(3));
    for (const count of [1, 2, 3]) {
      expect(bench.requests).toHaveLength(count);
      bench.requests[count - 1]?.sink.send(200, [], 'small');
    }
  });

  it('and whose gateway shuts down meanwhile is closed once the answer has left', async () => {
    const bench = startBench();
    bench.socket.held = true;
    await bench.feed(get.repeat(2));
    bench.requests[0]?.sink.send(200, [], large);
    bench.connection.drain(false);
    await setImmediate();
    expect(bench.socket.writableEnded).toBe(false);
    bench.socket.release();
    await setImmediate();
    expect(bench.socket.writableEnded).toBe(true);
    expect(bench.requests).toHaveLength(1);
  });
});

describe('an empty line before a request', () => {
  it.each(['\r\n', '\r|\n', '\r\n|', '\r|\n|'])('%j is skipped, in one read or several', async (lead) => {
    const bench = startBench();
    for (const piece of `${lead}${get}`.split('|')) await bench.feed(piece);
    expect(bench.requests).toHaveLength(1);
    bench.requests[0]?.sink.send(200, [], '');
    for (const piece of `${lead}${get}`.split('|')) await bench.feed(piece);
    expect(bench.requests).toHaveLength(2);
    expect(bench.refusals).toEqual([]);
  });

  it.each(['\n', '\r\r\n', '\r\n\r\n', ' \r\n', '\rG'])('%j is refused', async (lead) => {
    const bench = startBench();
    await bench.feed(`${lead}${get}`);
    expect(bench.requests).toHaveLength(0);
    expect(bench.refusals).toEqual(['E_HTTP_BAD_REQUEST']);
  });

  it('is skipped once, also when a second one comes in a read of its own', async () => {
    const bench = startBench();
    for (const piece of ['\r\n', '\r\n', get]) await bench.feed(piece);
    expect(bench.requests).toHaveLength(0);
    expect(bench.refusals).toEqual(['E_HTTP_BAD_REQUEST']);
  });
});

describe('a connection that is being closed', () => {
  it('drops what still comes and tells the handler that the client has gone', async () => {
    const bench = startBench();
    await bench.feed(get);
    let gone = 0;
    const sink = bench.requests[0]?.sink;
    if (sink === undefined) throw new Error('no request');
    sink.onClose = () => gone++;
    bench.socket.destroy();
    await setImmediate();
    expect(gone).toBe(1);
    expect(sink.closed).toBe(true);
    sink.send(200, [], 'late');
    sink.write(large);
    expect(sink.flush()).toBe(true);
    sink.end();
    sink.abort();
    expect(bench.socket.text).toBe('');
    expect(bench.clock.pending).toBe(0);
  });

  it('after a refusal reads on for two seconds, so that a reset does not destroy the answer', async () => {
    const bench = startBench();
    await bench.feed('nonsense\r\n\r\n');
    expect(bench.socket.text).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\nconnection: close\r\n\r\nE_HTTP_BAD_REQUEST: /,
    );
    await bench.feed(get.repeat(100));
    expect(bench.requests).toHaveLength(0);
    expect(bench.socket.destroyed).toBe(false);
    await bench.pass(2500);
    expect(bench.closed).toBe(true);
  });
});

describe('memory-exhaustion: bodies that stop short of their end', () => {
  const post = (bytes: number): string =>
    `POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(bytes)}`;
  const chunked = 'POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunk = `c000\r\n${'x'.repeat(0xc000)}\r\n`;

  it.each([
    ['of a given length', [post(50_000), 'x'.repeat(49_999)]],
    ['in one piece', [post(99_999)]],
    ['in chunks', [chunked, chunk, chunk]],
  ])('%s have their time-out from then on, however much came before', async (_how, pieces) => {
    const bench = startBench();
    for (const piece of pieces) await bench.feed(piece);
    await bench.pass(29_500);
    expect(bench.refusals).toEqual([]);
    await bench.pass(1000);
    expect(bench.refusals).toEqual(['E_HTTP_TIMEOUT']);
  });

  it('control: what comes meanwhile puts the end off by what it is worth', async () => {
    const bench = startBench();
    await bench.feed(post(0));
    await bench.pass(20_000);
    await bench.feed('x'.repeat(90_000));
    await bench.pass(15_000);
    expect(bench.refusals).toEqual([]);
    await bench.pass(1000);
    expect(bench.refusals).toEqual(['E_HTTP_TIMEOUT']);
  });

  it('give way to others, the largest of the address that holds most first', async () => {
    const bodies = new BodyBudget(250_000);
    const held = [startBench({ bodies }), startBench({ bodies })];
    await held[0]?.feed(post(90_000));
    await held[1]?.feed(post(95_000));
    const other = startBench({ bodies, address: '198.51.100.1' });
    await other.feed(post(60_000));
    await other.feed('x'.repeat(40_000));
    expect(other.requests).toHaveLength(1);
    expect(held.map(({ refusals }) => refusals)).toEqual([[], ['E_OVERLOADED']]);
    expect(bodies.taken).toBe(190_000);
    await held[0]?.feed('x'.repeat(10_000));
    expect(held[0]?.requests).toHaveLength(1);
  });

  it('give way themselves where nobody holds more', async () => {
    const bodies = new BodyBudget(150_000);
    const other = startBench({ bodies, address: '198.51.100.1' });
    await other.feed(post(60_000));
    const bench = startBench({ bodies });
    await bench.feed(post(50_000));
    await bench.feed('x'.repeat(50_000));
    expect(bench.requests).toHaveLength(0);
    expect(bench.refusals).toEqual(['E_OVERLOADED']);
    expect(other.refusals).toEqual([]);
    expect(bodies.taken).toBe(60_000);
  });
});

describe('a body in one piece', () => {
  const whole = `POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(90_000)}`;

  it('is refused where requests that are being answered hold the budget', async () => {
    const bodies = new BodyBudget(150_000);
    const first = startBench({ bodies });
    await first.feed(whole);
    const second = startBench({ bodies });
    await second.feed(whole);
    expect(second.requests).toHaveLength(0);
    expect(second.refusals).toEqual(['E_OVERLOADED']);
    first.requests[0]?.sink.send(200, [], '');
    const third = startBench({ bodies });
    await third.feed(whole);
    expect(third.requests).toHaveLength(1);
  });
});
