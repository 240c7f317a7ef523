import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findPort, proxyCore, readVersion, startOnCore } from '../programs.ts';

/** One thread; it logs to standard output, which is a file. */
export const haproxy: Peer = {
  name: 'haproxy',
  version: () => readVersion('haproxy', ['-v']),
  async start({ directory, upstreamPort, certFile, keyFile }) {
    const port = await findPort();
    const file = join(directory, 'haproxy.cfg');
    const pem = join(directory, 'both.pem');
    writeFileSync(pem, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 8000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout client 24h
  timeout server 24h
  timeout connect 5s
  http-reuse always
frontend f
  bind 127.0.0.1:${port} ssl crt ${pem} alpn h2,http/1.1
  http-request set-header X-Forwarded-Proto https
  default_backend b
backend b
  server s 127.0.0.1:${upstreamPort} pool-max-conn 64
`,
    );
    const outputFile = join(directory, 'output.txt');
    const command = ['haproxy', '-db', '-f', file];
    return { port, process: await startOnCore({ core: proxyCore, command, port, outputFile }) };
  },
};
