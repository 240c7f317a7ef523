import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A relay that cuts silent connections, as load balancers and address translators do. */
export interface SilenceRelay {
  readonly port: number;
  /** Connections it has cut. */
  readonly cuts: number;
  /** From now on, connections that carry nothing in either direction for this many milliseconds are cut. */
  cutAfter(milliseconds: number): void;
  stop(): void;
}

export async function startSilenceRelay(targetPort: number): Promise<SilenceRelay> {
  const clients = new Map<Socket, Socket>();
  let cuts = 0;
  const server = createServer({ noDelay: true }, (client) => {
    const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    clients.set(client, target);
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => from.destroy());
      from.on('close', () => to.destroy());
    }
    client.on('close', () => clients.delete(client));
    client.on('timeout', () => {
      const { bytesRead, bytesWritten } = client;
      // Bytes that came while this process had no processor are read first: they were not silence.
      setImmediate(() => {
        if (client.destroyed || client.bytesRead !== bytesRead || client.bytesWritten !== bytesWritten)
          return;
        cuts++;
        client.destroy();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // `address()` is a string only for Unix sockets.
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    cutAfter(milliseconds) {
      for (const client of clients.keys()) client.setTimeout(milliseconds);
    },
    stop() {
      server.close();
      for (const client of clients.keys()) client.destroy();
    },
  };
}
