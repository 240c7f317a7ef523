import { Socket } from 'node:net';

export const runsOnBun: boolean = process.versions.bun !== undefined;

/** The TCP socket below a TLS socket of a server; `undefined` where there is none or it is out of reach. */
export function findTransport(socket: unknown): Socket | undefined {
  const transport = socket instanceof Socket && '_parent' in socket ? socket._parent : undefined;
  return transport instanceof Socket ? transport : undefined;
}

/**
 * Ends the TCP socket along with the TLS socket on it. Node does so itself; on Bun it can stay open while bytes wait
 * that the client does not take, and a client that never reads would keep its descriptor (stalled-reader).
 */
export function endTransportWith(socket: Socket): void {
  if (!runsOnBun) return;
  const transport = findTransport(socket);
  if (transport !== undefined) socket.once('close', () => transport.destroy());
}
