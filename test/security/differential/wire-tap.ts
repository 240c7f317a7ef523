import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Everything that went over one connection, as latin1. */
export interface TappedConnection {
  readonly sent: string;
  readonly received: string;
}

/** A relay that keeps a copy of all bytes. */
export interface WireTap extends AsyncDisposable {
  readonly port: number;
  readonly connections: readonly TappedConnection[];
}

export async function startWireTap(targetPort: number): Promise<WireTap> {
  const connections: TappedConnection[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = connect(targetPort, '127.0.0.1');
    const record = { sent: '', received: '' };
    connections.push(record);
    client.on('data', (piece: Buffer) => {
      record.sent += piece.toString('latin1');
      target.write(piece);
    });
    target.on('data', (piece: Buffer) => {
      record.received += piece.toString('latin1');
      client.write(piece);
    });
    for (const [one, other] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => one.destroy());
      one.on('end', () => other.end());
      one.on('close', () => {
        sockets.delete(one);
        other.destroySoon();
      });
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    // `address()` is a string only for Unix sockets.
    port: (server.address() as AddressInfo).port,
    connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
