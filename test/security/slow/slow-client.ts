import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import {
  buildFrame,
  buildHeaders,
  encodeFields,
  encodeInteger,
  flags,
  frameTypes,
  readFrames,
  type Field,
} from '../../support/h2-frames.ts';
import { opening } from '../../support/h2-frames-client.ts';
import type { SlowKind } from './slow-protocol.ts';

/** One slow connection. */
export interface SlowClient {
  readonly kind: SlowKind;
  /** `performance.now()` when the handshake was over; `undefined` before, and for a connection that was refused. */
  readonly establishedAt: number | undefined;
  /** When the other side was through with it. */
  readonly cutAt: number | undefined;
  readonly hasEnded: boolean;
  /** Sends the next small piece. */
  trickle(): void;
  leave(): void;
}

interface Habit {
  readonly protocol: 'tcp' | 'http/1.1' | 'h2';
  readonly start: Buffer;
  readonly piece: Buffer;
}

const none = Buffer.alloc(0);
const post: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/mcp'],
  [':authority', 'localhost'],
];
const head = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
/** HEADERS that stop in the middle of a long value. CONTINUATION frames would be counted and cut much earlier. */
const openHead = buildFrame('headers', {
  flags: flags.endHeaders | flags.endStream,
  stream: 1,
  payload: Buffer.concat([encodeFields(post), Buffer.from([0, 1, 0x78]), encodeInteger(5000, 7)]),
  length: 6000,
});

const habits: Readonly<Record<SlowKind, Habit>> = {
  'no-hello': { protocol: 'tcp', start: none, piece: none },
  silent: { protocol: 'http/1.1', start: none, piece: none },
  'slow-head': { protocol: 'http/1.1', start: Buffer.from(head), piece: Buffer.from('X-A: b\r\n') },
  'slow-body': {
    protocol: 'http/1.1',
    start: Buffer.from(`${head}Content-Length: 100000\r\n\r\n`),
    piece: Buffer.from(' '),
  },
  'h2-idle': { protocol: 'h2', start: opening, piece: buildFrame('ping', { payload: Buffer.alloc(8) }) },
  'h2-slow-head': {
    protocol: 'h2',
    start: Buffer.concat([opening, openHead]),
    piece: Buffer.from('y'),
  },
  'h2-slow-body': {
    protocol: 'h2',
    start: Buffer.concat([opening, buildHeaders(1, post, { endStream: false })]),
    piece: buildFrame('data', { stream: 1, payload: Buffer.from(' ') }),
  },
};

export function openSlowClient(
  kind: SlowKind,
  where: { readonly port: number; readonly ca: string; readonly localAddress: string },
): SlowClient {
  const { protocol, start, piece } = habits[kind];
  const { port, ca, localAddress } = where;
  const tcp = connectTcp({ host: '127.0.0.1', port, localAddress });
  const socket: Socket =
    protocol === 'tcp'
      ? tcp
      : connectTls({ socket: tcp, ca, servername: 'localhost', ALPNProtocols: [protocol] });
  let establishedAt: number | undefined;
  let cutAt: number | undefined;
  let hasEnded = false;
  let pending = none;
  const cut = (): void => {
    hasEnded = true;
    if (establishedAt !== undefined) cutAt ??= performance.now();
    socket.destroy();
  };
  tcp.on('error', cut);
  socket.on(protocol === 'tcp' ? 'connect' : 'secureConnect', () => {
    establishedAt = performance.now();
    socket.write(start);
  });
  socket.on('data', (bytes: Buffer) => {
    // A session outlives its streams, so the answer to a slow stream, or its reset, is the cut.
    if (kind !== 'h2-slow-body') return;
    const read = readFrames(Buffer.concat([pending, bytes]));
    pending = Buffer.from(read.rest);
    const isOver = ({ type, stream }: { type: number; stream: number }): boolean =>
      type === frameTypes.goaway ||
      (stream === 1 && (type === frameTypes.headers || type === frameTypes.reset));
    if (read.frames.some(isOver)) cut();
  });
  socket.on('error', cut);
  socket.on('end', cut);
  socket.on('close', cut);
  return {
    kind,
    get establishedAt() {
      return establishedAt;
    },
    get cutAt() {
      return cutAt;
    },
    get hasEnded() {
      return hasEnded;
    },
    trickle() {
      if (establishedAt !== undefined && !hasEnded && piece.length > 0) socket.write(piece);
    },
    leave: () => void socket.destroy(),
  };
}
