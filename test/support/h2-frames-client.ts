import { once } from 'node:events';
import { connect } from 'node:tls';
import {
  buildHeaders,
  buildSettings,
  frameTypes,
  preface,
  readFrames,
  readStatus,
  settingNumbers,
  type Field,
  type Frame,
} from './h2-frames.ts';

/** An HTTP/2 client that sends the bytes it is told and keeps all frames it gets. */
export interface H2FramesClient extends Disposable {
  readonly frames: readonly Frame[];
  readonly isClosed: boolean;
  send(...bytes: readonly Buffer[]): void;
  /** Resolves with the first thing the test finds, or with `undefined` once the connection has closed without it. */
  find<T>(test: (frames: readonly Frame[]) => T | undefined): Promise<T | undefined>;
  /** Waits for an answer on a stream, or for the end of the connection. */
  answer(stream?: number): Promise<Verdict>;
  /**
   * How the other side took all that was sent so far: asks for `/healthz` on the last possible stream and looks
   * once that is answered, or the connection has gone.
   */
  verdict(stream?: number): Promise<Verdict>;
  /** Stops reading, as a client does that floods. */
  pause(): void;
  resume(): void;
}

export interface Verdict {
  /** Status of the answer on the stream. */
  readonly status: number | undefined;
  /** Code of an RST_STREAM on it. */
  readonly reset: number | undefined;
  /** Code of a GOAWAY; -1 when the connection closed without one. */
  readonly goaway: number | undefined;
}

export interface H2FramesOptions {
  readonly port: number;
  readonly ca: string;
  readonly servername?: string;
  readonly localAddress?: string;
  /** Sent first in place of the preface and SETTINGS. */
  readonly opening?: Buffer;
}

const LAST_STREAM = 0x7fffffff;
const witness: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/healthz'],
  [':authority', 'localhost'],
];
/** No table for answers, so that each can be read by itself. */
const plainSettings = buildSettings([settingNumbers.headerTableSize, 0]);
export const opening: Buffer = Buffer.concat([preface, plainSettings]);

export async function connectH2Frames(options: H2FramesOptions): Promise<H2FramesClient> {
  const { port, ca, servername = 'localhost', localAddress } = options;
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca,
    servername,
    ALPNProtocols: ['h2'],
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let isClosed = false;
  let pending = Buffer.alloc(0);
  const wake = (): void => {
    for (const check of waiting) check();
  };
  socket.on('data', (bytes: Buffer) => {
    const read = readFrames(Buffer.concat([pending, bytes]));
    pending = Buffer.from(read.rest);
    frames.push(...read.frames);
    wake();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  await once(socket, 'secureConnect');
  socket.write(options.opening ?? opening);
  const find = <T>(test: (received: readonly Frame[]) => T | undefined): Promise<T | undefined> =>
    new Promise((resolve) => {
      const check = (): void => {
        const found = test(frames);
        if (found === undefined && !isClosed) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  const judgeWhen = async (stream: number, isSettled: (verdict: Verdict) => boolean): Promise<Verdict> => {
    await find(() => {
      const verdict = judge(frames, { stream, isClosed });
      return verdict.goaway !== undefined || isSettled(verdict) ? true : undefined;
    });
    return judge(frames, { stream, isClosed });
  };
  return {
    frames,
    get isClosed() {
      return isClosed;
    },
    send: (...bytes) => void socket.write(Buffer.concat(bytes)),
    find,
    answer: (stream = 1) =>
      judgeWhen(stream, ({ status, reset }) => status !== undefined || reset !== undefined),
    verdict(stream = 1) {
      socket.write(buildHeaders(LAST_STREAM, witness));
      return judgeWhen(stream, () => judge(frames, { stream: LAST_STREAM, isClosed }).status !== undefined);
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function judge(
  frames: readonly Frame[],
  on: { readonly stream: number; readonly isClosed: boolean },
): Verdict {
  const onStream = frames.filter(({ stream }) => stream === on.stream);
  const headers = onStream.find(({ type }) => type === frameTypes.headers);
  const goaway = frames.find(({ type }) => type === frameTypes.goaway);
  return {
    status: headers === undefined ? undefined : readStatus(headers.payload),
    reset: onStream.find(({ type }) => type === frameTypes.reset)?.payload.readUInt32BE(),
    goaway: goaway?.payload.readUInt32BE(4) ?? (on.isClosed ? -1 : undefined),
  };
}
