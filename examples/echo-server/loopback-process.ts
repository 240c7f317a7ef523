import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DualEraEndpoint } from './dual-era-http.ts';

/**
 * Serves the endpoint on 127.0.0.1, prints its URL on stdout, and ends the process in order on
 * SIGTERM or SIGINT. Port 0 takes a free port.
 */
export function runOnLoopback(endpoint: DualEraEndpoint, port: number): void {
  const server = createServer(endpoint.listener);
  server.on('error', (error) => {
    console.error(`cannot listen on 127.0.0.1:${port}: ${error.message}`);
    process.exitCode = 1;
  });
  server.listen(port, '127.0.0.1', () => {
    // `address()` is a string only for sockets on a path.
    const { port: bound } = server.address() as AddressInfo;
    console.log(`http://127.0.0.1:${bound}/mcp`);
  });
  const stop = (): void => {
    server.close();
    void endpoint.close().finally(() => server.closeAllConnections());
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** The port of the first argument, of `PORT`, or the fallback; ends the process on anything else. */
export function readPort(fallback: number): number {
  const text = process.argv[2] ?? process.env['PORT'] ?? String(fallback);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    console.error(`not a port: ${text}`);
    process.exit(2);
  }
  return port;
}
