import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { ChunkedDecoder } from '../../src/http/chunked-decoder.ts';
import { buildGet, buildModern } from './messages.ts';
import { buildPost } from './raw-client.ts';

/** One event stream over HTTP/1.1, read with as little memory as counting allows. */
export interface FleetStream {
  /** Why it is over: `left` when this side left, else what happened. */
  readonly ended: string | undefined;
  /** Milliseconds after which to come back, as the stream last said. */
  readonly retry: number | undefined;
  figures(now: number): StreamFigures;
  leave(by: 'end' | 'reset'): void;
}

export interface StreamFigures {
  readonly ended: string | undefined;
  readonly events: number;
  readonly comments: number;
  readonly disorder: number;
  readonly torn: number;
  /** Milliseconds. */
  readonly longestSilence: number;
}

export interface FleetStreamOptions {
  readonly port: number;
  readonly ca: string;
  readonly era: 'legacy' | 'modern';
  readonly stalled: boolean;
  readonly localAddress: string;
  readonly label: string;
}

/** Resolves once a head with status 200 has come; rejects with what came instead. */
export function openFleetStream(options: FleetStreamOptions): Promise<FleetStream> {
  return new Promise((resolve, reject) => {
    const { port, ca, localAddress, stalled } = options;
    const tcp = connectTcp({ host: '127.0.0.1', port, localAddress, noDelay: true });
    // Its errors are those of the TLS socket above it.
    tcp.on('error', () => tcp.destroy());
    const socket = connect({ socket: tcp, ca, servername: 'localhost', ALPNProtocols: ['http/1.1'] });
    const reader = new StreamReader();
    let ended: string | undefined;
    let text = '';
    const end = (reason: string): void => {
      ended ??= reason;
    };
    const stream: FleetStream = {
      get ended() {
        return ended;
      },
      get retry() {
        return reader.retry;
      },
      figures: (now) => ({ ended, ...reader.figures(now) }),
      leave(by) {
        end('left');
        if (by === 'reset') tcp.resetAndDestroy();
        else socket.destroy();
      },
    };
    const readHead = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      socket.off('data', readHead);
      if (!text.startsWith('HTTP/1.1 200 ')) {
        reject(new Error(`answered with ${text.slice(0, text.indexOf('\r\n'))}`));
        socket.destroy();
        return;
      }
      const rest = Buffer.from(text.slice(headEnd + 4), 'latin1');
      text = '';
      if (rest.length > 0) reader.receive(rest);
      if (stalled) socket.pause();
      socket.on('data', (piece: Buffer) => {
        reader.receive(piece);
        if (reader.done) end('the answer ended');
      });
      resolve(stream);
    };
    socket.on('data', readHead);
    socket.on('secureConnect', () => void socket.write(buildRequest(options)));
    socket.on('end', () => end('the connection ended'));
    socket.on('error', (error) => end(error.message));
    socket.on('close', () => {
      end('the connection closed');
      reject(new Error(`closed before an answer: ${ended}`));
    });
  });
}

class StreamReader {
  done = false;
  retry: number | undefined;
  readonly #decoder = new ChunkedDecoder({ skipsTrailers: true });
  #pending = '';
  #events = 0;
  #comments = 0;
  #disorder = 0;
  #next: number | undefined;
  #lastAt = performance.now();
  #longest = 0;

  receive(bytes: Buffer): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#lastAt);
    this.#lastAt = now;
    this.#decoder.decode(bytes, 0, (piece) => (this.#pending += piece.toString('latin1')));
    if (this.#decoder.done) this.done = true;
    for (let end = this.#pending.indexOf('\n\n'); end >= 0; end = this.#pending.indexOf('\n\n')) {
      this.#read(this.#pending.slice(0, end));
      this.#pending = this.#pending.slice(end + 2);
    }
  }

  figures(now: number): Omit<StreamFigures, 'ended'> {
    return {
      events: this.#events,
      comments: this.#comments,
      disorder: this.#disorder,
      torn: this.#pending.length,
      longestSilence: Math.max(this.#longest, now - this.#lastAt),
    };
  }

  #read(block: string): void {
    if (block.startsWith(':')) {
      this.#comments++;
      return;
    }
    const retry = /^retry: (\d+)$/m.exec(block)?.[1];
    if (retry !== undefined) this.retry = Number(retry);
    const number = /^data: (\d+)/m.exec(block)?.[1];
    // Priming events and last words carry no number.
    if (number === undefined) return;
    this.#events++;
    if (this.#next !== undefined && Number(number) !== this.#next) this.#disorder++;
    this.#next = Number(number) + 1;
  }
}

function buildRequest({ era, label }: FleetStreamOptions): string {
  if (era === 'legacy') {
    return buildGet({ fields: `Mcp-Session-Id: ${label}\r\nMcp-Protocol-Version: 2025-11-25\r\n` });
  }
  const { body, fields } = buildModern('subscriptions/listen', { id: label });
  return buildPost(body, { fields });
}
