import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { findProgram } from '../programs.ts';
import { tokenSecret } from '../token.ts';
import { notCached } from './not-cached.ts';

/** One thread; it logs to standard output, which is a file. */
export const haproxy: Peer = {
  name: 'haproxy',
  cannot: { 'secured-cached-h1': notCached, 'ruled-h1': notCached },
  note: 'verifies the signature of the token itself (jwt_verify, HS256)',
  find: () => findProgram('haproxy', ['-v'], 'Debian: haproxy'),
  async prepare({ directory, upstreamPort, certFile, keyFile, check }) {
    const port = await findFreePort();
    const file = join(directory, 'haproxy.cfg');
    const pem = join(directory, 'both.pem');
    writeFileSync(pem, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
    const rules =
      check === 'none'
        ? ''
        : `http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str HS256 } { var(txn.token),jwt_verify(txn.alg,"${tokenSecret}") -m int 1 }`;
    // Without a `maxconn` it takes what the limit of open files permits.
    writeFileSync(
      file,
      `global
  nbthread 1
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
  bind 127.0.0.1:${port} ssl crt ${pem} alpn h2,http/1.1 backlog 4096
  ${rules}
  http-request set-header X-Forwarded-Proto https
  default_backend b
backend b
  server s 127.0.0.1:${upstreamPort} pool-max-conn 64
`,
    );
    return { port, command: ['haproxy', '-db', '-f', file] };
  },
};
