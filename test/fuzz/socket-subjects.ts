import { createConnection } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { createTestCertificate } from '../support/certificates.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import type { SocketLimits } from './targets/sockets.ts';

/** What stands between the clients and the recording upstream. */
export interface SocketSubject {
  readonly port: number;
  readonly ca: string;
  /** What it wrote to standard error, where a gateway that is well writes nothing. */
  readonly complaints: string;
  /** False once its process has ended. */
  readonly isAlive: boolean;
  stop(): Promise<void>;
}

/** The gateway in a process of its own. */
export async function startGatewaySubject(
  upstreamPort: number,
  limits: SocketLimits,
): Promise<SocketSubject> {
  const gateway = await startGatewayProcess({
    upstreamPort,
    config: { log: { level: 'info', format: 'json', access: 'off' } },
    limits: {
      head: `${limits.headBytes}B`,
      url: `${limits.urlBytes}B`,
      fields: limits.fields,
      body: `${limits.bodyBytes}B`,
    },
    // Longer than a client waits: what hangs is not to be saved by a time-out.
    timeouts: { head: '60s', body: '60s', idle: '60s' },
  });
  let isAlive = true;
  void gateway.exited.then(() => (isAlive = false));
  return {
    port: gateway.port,
    ca: gateway.ca,
    get complaints() {
      return gateway.complaints;
    },
    get isAlive() {
      return isAlive;
    },
    async stop() {
      await gateway.stop();
      await gateway.clean();
    },
  };
}

/**
 * A proxy as many were once: it takes a bare line feed for a line end, knows no chunked coding and believes the last
 * length. For a sound request it does all that the gateway does, so that only hostile ones give it away.
 */
export async function startLenientProxy(upstreamPort: number): Promise<SocketSubject> {
  const { cert, key } = await createTestCertificate({ names: ['localhost'] });
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (client) => {
    const upstream = createConnection(upstreamPort, '127.0.0.1');
    let input = '';
    sockets.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('error', () => upstream.destroy());
    upstream.on('data', (bytes: Buffer) => void client.write(bytes));
    upstream.on('end', () => void client.end());
    client.on('data', (bytes: Buffer) => {
      input += bytes.toString('latin1');
      for (;;) {
        const taken = takeLeniently(input, client.remoteAddress ?? '');
        if (taken === undefined) break;
        input = taken.rest;
        upstream.write(taken.message, 'latin1');
        if (taken.isLast) upstream.end();
      }
      // What a client of this test sends last.
      if (input.endsWith('\0\n')) upstream.end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy listens on TCP');
  return {
    port: address.port,
    ca: cert,
    complaints: '',
    isAlive: true,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

/** Takes one request off the front of a text; `undefined` while it is not complete. */
function takeLeniently(
  text: string,
  client: string,
): { readonly message: string; readonly rest: string; readonly isLast: boolean } | undefined {
  const head = /^(.*?)\r?\n\r?\n/s.exec(text);
  if (head === null) return undefined;
  const [first = '', ...lines] = (head[1] ?? '').split(/\r?\n/);
  const fields = lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase()));
  const length = Number(
    /(\d+)[^:]*$/.exec(fields.findLast((line) => line.startsWith('content-length')) ?? '')?.[1] ?? 0,
  );
  const end = head[0].length + length;
  if (text.length < end) return undefined;
  const kept = fields.filter((line) => !/^(?:connection|x-forwarded-for)\b/.test(line));
  return {
    message: `${[first, ...kept, `x-forwarded-for: ${client}`].join('\r\n')}\r\n\r\n${text.slice(head[0].length, end)}`,
    rest: text.slice(end),
    isLast: fields.includes('connection: close'),
  };
}
