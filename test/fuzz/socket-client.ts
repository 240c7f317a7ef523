import { connect as connectTcp } from 'node:net';
import { connect, createSecureContext, type SecureContext } from 'node:tls';

/** A TLS client that resumes sessions, so that most of a run is not spent on handshakes. */
export interface SocketClient {
  /**
   * Sends the pieces, a turn of the event loop apart, from the given loopback address. Resolves with everything
   * received, latin1, once the other side has closed; with `undefined` when it has not after `patience` milliseconds.
   */
  exchange(options: {
    readonly pieces: readonly Buffer[];
    readonly localAddress: string;
    readonly patience: number;
  }): Promise<string | undefined>;
}

export function createSocketClient(gateway: { readonly port: number; readonly ca: string }): SocketClient {
  const secureContext: SecureContext = createSecureContext({ ca: gateway.ca });
  let session: Buffer | undefined;
  return {
    exchange({ pieces, localAddress, patience }) {
      return new Promise((resolve) => {
        const socket = connect({
          socket: connectTcp({ host: '127.0.0.1', port: gateway.port, localAddress }),
          secureContext,
          servername: 'localhost',
          ALPNProtocols: ['http/1.1'],
          ...(session === undefined ? {} : { session }),
        });
        const received: Buffer[] = [];
        let isLate = false;
        const timer = setTimeout(() => {
          isLate = true;
          socket.destroy();
        }, patience);
        const send = (index: number): void => {
          const piece = pieces[index];
          if (piece === undefined || socket.destroyed) return;
          socket.write(piece, () => void setImmediate(send, index + 1));
        };
        socket.on('session', (ticket) => (session = ticket));
        socket.on('secureConnect', () => send(0));
        socket.on('data', (bytes) => received.push(bytes));
        // A refused client may be reset while it still sends.
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          clearTimeout(timer);
          resolve(isLate ? undefined : Buffer.concat(received).toString('latin1'));
        });
      });
    },
  };
}
