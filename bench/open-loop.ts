import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { buildCall, callFields } from './call.ts';
import type { Endpoint } from './endpoint.ts';

const LIMIT_MILLISECONDS = 10_000;
const endOfHead = Buffer.from('\r\n\r\n');
const endOfChunks = Buffer.from('\r\n0\r\n\r\n');

export interface OpenLoopOptions {
  /** Calls a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** Opens the one connection of a latency measurement, or a stream's. */
export async function openConnection(endpoint: Endpoint, localAddress = '127.0.0.1'): Promise<Socket> {
  const address = { host: '127.0.0.1', port: endpoint.port, localAddress };
  const socket = endpoint.isPlain
    ? connectPlain(address)
    : connectTls({
        ...address,
        servername: 'localhost',
        // The certificate was made a moment ago by this program.
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
      });
  const signal = AbortSignal.timeout(LIMIT_MILLISECONDS);
  await once(socket, endpoint.isPlain ? 'connect' : 'secureConnect', { signal });
  socket.setNoDelay(true);
  return socket;
}

/**
 * Sends calls on one connection at fixed times, whether the answers are quick or not, and returns how long each took in
 * µs. A call that had to wait for the answer before it counts from the time it was due (no coordinated omission); one
 * whose timer fired late counts from when it was sent, since that is the clock's fault and not the proxy's.
 */
export async function measureOpenLoop(
  endpoint: Endpoint,
  options: OpenLoopOptions,
): Promise<readonly number[]> {
  const socket = await openConnection(endpoint);
  const reader = createAnswerReader(socket);
  const times: number[] = [];
  try {
    const period = 1000 / options.rate;
    const startedAt = performance.now();
    for (let count = 0; count < options.rate * options.seconds; count++) {
      const due = startedAt + count * period;
      const isLate = performance.now() > due;
      if (!isLate) await waitUntil(due);
      const from = isLate ? due : performance.now();
      const text = buildRequest(endpoint, String(count + 2));
      const answered = reader.next();
      socket.write(text);
      const status = await answered;
      if (status !== 200) throw new Error(`answered with ${status}`);
      times.push((performance.now() - from) * 1000);
    }
  } finally {
    reader.close();
    socket.destroy();
  }
  return times;
}

function buildRequest(endpoint: Endpoint, id: string): string {
  const body = buildCall('echo', endpoint.needsOwnIds ? id : '1');
  const fields = Object.entries({ ...callFields, ...endpoint.fields });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `POST /mcp HTTP/1.1\r\nHost: localhost:${endpoint.port}\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}

interface AnswerReader {
  /** The status of the next answer, once it is there to its last byte. */
  next(): Promise<number>;
  close(): void;
}

function createAnswerReader(socket: Socket): AnswerReader {
  let received: Buffer = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<number> | undefined;
  const fail = (): void => waiting?.reject(new Error('the connection ended'));
  const timer = setInterval(() => waiting?.reject(new Error('no answer')), LIMIT_MILLISECONDS);
  socket.on('error', fail).on('close', fail);
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const size = toAnswerLength(received);
    if (size === undefined) return;
    const status = Number(received.toString('latin1', 9, 12));
    received = received.subarray(size);
    waiting?.resolve(status);
  });
  return {
    next() {
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
    close: () => clearInterval(timer),
  };
}

/** Bytes of the first whole answer, or `undefined` when more have to come. */
export function toAnswerLength(received: Buffer): number | undefined {
  const head = received.indexOf(endOfHead);
  if (head === -1) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.toString('latin1', 0, head))?.[1];
  if (length === undefined) {
    const last = received.indexOf(endOfChunks, head);
    return last === -1 ? undefined : last + endOfChunks.length;
  }
  const size = head + endOfHead.length + Number(length);
  return received.length < size ? undefined : size;
}

function waitUntil(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, time - performance.now())));
}
