import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';

/** Passes the bytes of either side on as they come, reads nothing in them, and has one connection to the upstream for each client's. */
const [port, upstreamPort, certFile = '', keyFile = ''] = process.argv.slice(2);

createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true }, (client) => {
  const upstream = connect({ port: Number(upstreamPort), host: '127.0.0.1', noDelay: true });
  client.on('data', (bytes) => upstream.write(bytes));
  upstream.on('data', (bytes) => client.write(bytes));
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    // Either end of a broken connection is the end of both.
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
