import type { Socket } from 'node:net';
import type { Endpoint } from './endpoint.ts';
import { openConnection } from './open-loop.ts';
import { fileLimit } from './programs.ts';

const AT_ONCE = 50;
const SOURCE_ADDRESSES = 19;
const SPARE_FILES = 1000;
const OPEN_LIMIT_MILLISECONDS = 20_000;

/** The most streams a proxy can hold here: each is a file to the client and one to the upstream. */
export const mostStreams: number = Math.floor((fileLimit - SPARE_FILES) / 2);

export interface StreamFleet {
  /** Opens streams until there are so many; rejects when one is refused or any open one has ended. */
  openUntil(count: number): Promise<void>;
  /** Is told the text of each event that arrives from now on. */
  onEvent: ((text: string) => void) | undefined;
  close(): void;
}

/** Many clients that each hold one event stream, from 127.0.0.2 to 127.0.0.20 so that ports do not run out. */
export function createStreamFleet(endpoint: Endpoint): StreamFleet {
  const sockets: Socket[] = [];
  let lost = 0;
  let isClosing = false;
  const fleet: StreamFleet = {
    onEvent: undefined,
    async openUntil(count) {
      while (sockets.length < count) {
        const size = Math.min(AT_ONCE, count - sockets.length);
        await Promise.all(Array.from({ length: size }, (_, index) => openOne(sockets.length + index)));
      }
      if (lost > 0) throw new Error(`${lost} of ${count} streams ended by themselves`);
    },
    close() {
      isClosing = true;
      for (const socket of sockets) socket.destroy();
    },
  };
  const openOne = async (index: number): Promise<void> => {
    const socket = await openConnection(endpoint, `127.0.0.${2 + (index % SOURCE_ADDRESSES)}`);
    sockets.push(socket);
    const opened = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => opened.reject(new Error('no first event')), OPEN_LIMIT_MILLISECONDS);
    let head: string | undefined = '';
    let rest = '';
    socket.on('data', (chunk: Buffer) => {
      if (head === undefined) {
        rest = readEvents(rest + chunk.toString('latin1'), fleet.onEvent);
        return;
      }
      head += chunk.toString('latin1');
      if (!head.startsWith('HTTP/1.1 200')) opened.reject(new Error(`not a stream: ${head.slice(0, 100)}`));
      else if (head.includes('data: open\n\n')) {
        head = undefined;
        opened.resolve(undefined);
      }
    });
    socket.on('error', opened.reject);
    socket.on('close', () => {
      if (!isClosing) lost++;
      opened.reject(new Error('the stream ended'));
    });
    socket.write(buildStreamRequest(endpoint));
    await opened.promise.finally(() => clearTimeout(timer));
  };
  return fleet;
}

/** The request that opens a stream. */
export function buildStreamRequest(endpoint: Endpoint): string {
  const fields = Object.entries(endpoint.fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET /mcp HTTP/1.1\r\nHost: localhost:${endpoint.port}\r\nAccept: text/event-stream\r\n${fields.join('')}\r\n`;
}

/** Hands over the data of each whole event and returns what is left; chunk framing between events is passed over. */
export function readEvents(text: string, onEvent: ((data: string) => void) | undefined): string {
  let from = 0;
  for (;;) {
    const end = text.indexOf('\n\n', from);
    if (end === -1) return text.slice(from);
    const event = text.slice(from, end);
    const data = event.lastIndexOf('data: ');
    if (data !== -1) onEvent?.(event.slice(data + 'data: '.length));
    from = end + 2;
  }
}
