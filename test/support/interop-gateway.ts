import { readFileSync } from 'node:fs';
import { vi } from 'vitest';
import { startGatewayProcess } from './gateway-process.ts';
import { connectRaw } from './raw-client.ts';

export type LogLine = Readonly<Record<string, unknown>>;

/** The program before a real server: the built package, or the executable. */
export interface InteropGateway {
  readonly port: number;
  /** PEM of the authority that clients must trust. */
  readonly ca: string;
  /** Lines of the access log so far. */
  readonly lines: readonly LogLine[];
  /** Resolves once everything that is over has its line. */
  logged(): Promise<void>;
  /** Resolves once no client is connected any more and everything has its line. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface InteropGatewayOptions {
  readonly upstreamPort: number;
  /** Ports of further copies of the server. */
  readonly copies?: readonly number[];
  /** `/mcp` when absent, both. */
  readonly upstreamPath?: string;
  readonly path?: string;
  readonly origins?: readonly string[];
}

/** Where nothing is, so that the line of such a request is known from all others. */
const markPath = '/mark/';
const idleLimitMs = 5000;
/** States of a TCP connection that is still somebody's (proc_net_tcp). */
const openStates = new Set(['01', '08']);

export async function startInteropGateway(options: InteropGatewayOptions): Promise<InteropGateway> {
  const { upstreamPort, upstreamPath = '/mcp', path = '/mcp', origins = [], copies = [] } = options;
  const toUrl = (port: number): string => `http://127.0.0.1:${port}${upstreamPath}`;
  const gateway = await startGatewayProcess({
    upstreamPort,
    config: {
      routes: [
        { path, upstream: copies.length === 0 ? toUrl(upstreamPort) : [upstreamPort, ...copies].map(toUrl) },
      ],
      origins,
      // A file gets its lines in batches, standard error at once.
      log: { level: 'info', format: 'json', access: 'stderr' },
    },
  });
  let marks = 0;
  const readLines = (): LogLine[] =>
    gateway.complaints
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine); // Each line is a record.
  const logged = async (): Promise<void> => {
    const mark = `${markPath}${++marks}`;
    const client = await connectRaw(gateway);
    client.send(`GET ${mark} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    await client.closed();
    // Lines come in the order of the ends of their exchanges.
    await vi.waitUntil(() => readLines().some((line) => line['path'] === mark), idleLimitMs);
  };
  return {
    port: gateway.port,
    ca: gateway.ca,
    get lines() {
      return readLines().filter((line) => !String(line['path']).startsWith(markPath));
    },
    logged,
    async idle() {
      await vi.waitUntil(() => countConnections(gateway.port) === 0, idleLimitMs);
      await logged();
    },
    async stop() {
      await gateway.stop();
      await gateway.clean();
    },
  };
}

/** Connections to a port of 127.0.0.1. */
function countConnections(port: number): number {
  const end = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state = '']) => local === end && openStates.has(state)).length;
}
