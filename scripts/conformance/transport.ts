/**
 * Loaded with `--import` before the conformance suite, so that the unchanged suite reaches a TLS
 * gateway over the HTTP version under test. It fixes three things the suite cannot be told:
 * its `fetch` speaks HTTP/1.1 only; its `http.request` (header scenarios) ignores `https:`; and
 * undici derives the TLS server name from the forged Host header of dns-rebinding-protection, so
 * the handshake would fail before the gateway sees the request whose refusal is the point.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { Agent, buildConnector, install, setGlobalDispatcher } from 'undici';

/** What the suite did, written as JSON when it ends. */
export interface TransportReport {
  /** Requests made with `node:http`, which has no HTTP/2: they stay on HTTP/1.1. */
  readonly rawRequests: number;
}

class TlsAgent extends http.Agent {
  readonly #servername: string;

  constructor(servername: string) {
    super({ keepAlive: true });
    this.#servername = servername;
  }

  override createConnection(options: http.ClientRequestArgs): Duplex {
    return tls.connect({
      host: options.host ?? this.#servername,
      port: Number(options.port),
      servername: this.#servername,
      ALPNProtocols: ['http/1.1'],
    });
  }
}

function readSetting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const servername = readSetting('CONFORMANCE_SERVER_NAME');
const reportFile = readSetting('CONFORMANCE_REPORT');
const isHttp2 = readSetting('CONFORMANCE_PROTOCOL') === 'h2';

const connect = buildConnector({ allowH2: isHttp2, preferH2: isHttp2 });
setGlobalDispatcher(
  new Agent({
    allowH2: isHttp2,
    connect: (options, callback) => connect({ ...options, servername }, callback),
  }),
);
install();

http.globalAgent = new TlsAgent(servername);
let rawRequests = 0;
subscribe('http.client.request.start', () => {
  rawRequests++;
});
process.once('exit', () => {
  const report: TransportReport = { rawRequests };
  writeFileSync(reportFile, JSON.stringify(report));
});
