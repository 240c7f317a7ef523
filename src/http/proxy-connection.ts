import type { Socket } from 'node:net';
import type { Deadlines, Expiring } from './deadlines.ts';
import { parseProxyHeader } from './proxy-protocol.ts';
import { toPlainAddress, type IsTrusted } from './trusted-proxies.ts';

export interface ProxyHeaderOptions {
  readonly isTrusted: IsTrusted;
  readonly deadlines: Deadlines;
  /** Milliseconds in which the whole header has to arrive. */
  readonly timeout: number;
  /** The header was good and is consumed; `source` is the client it names, if any. */
  readonly onReady: (source: { readonly address: string; readonly port: number } | undefined) => void;
}

/**
 * Takes the PROXY header off the front of a fresh connection. A connection from an address that is not
 * trusted, or without a header, is destroyed: whoever may write the header chooses the client's address.
 */
export function receiveProxyHeader(socket: Socket, options: ProxyHeaderOptions): void {
  const { deadlines } = options;
  if (!options.isTrusted(toPlainAddress(socket.remoteAddress ?? ''))) {
    socket.destroy();
    return;
  }
  const expiry: Expiring = {
    place: -1,
    deadline: deadlines.now() + options.timeout,
    expire: () => socket.destroy(),
  };
  let received = Buffer.alloc(0);
  const stop = (): void => {
    deadlines.delete(expiry);
    socket.removeListener('readable', onReadable);
    socket.removeListener('close', stop);
  };
  const onReadable = (): void => {
    // Without an encoding set a socket reads Buffers.
    const bytes = socket.read() as Buffer | null;
    if (bytes === null) return;
    received = Buffer.concat([received, bytes]);
    const header = parseProxyHeader(received);
    switch (header.kind) {
      case 'incomplete':
        return;
      case 'malformed':
        stop();
        socket.destroy();
        return;
      case 'header':
        stop();
        if (received.length > header.length) socket.unshift(received.subarray(header.length));
        options.onReady(header.source);
    }
  };
  deadlines.add(expiry);
  socket.on('readable', onReadable);
  socket.once('close', stop);
}
