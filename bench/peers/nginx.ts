import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildNginxConfig, toNginxCommand } from '../nginx-config.ts';
import type { Check, Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { findProgram } from '../programs.ts';

/** One worker, the usual block for event streams made right: keep-alive upstream, nothing buffered. */
export const nginx: Peer = {
  name: 'nginx',
  find: () => findProgram('nginx', ['-v'], 'Debian: nginx-light'),
  async prepare({ directory, upstreamPort, authPort, certFile, keyFile, check }) {
    const port = await findFreePort();
    const file = join(directory, 'nginx.conf');
    const http = `access_log ${directory}/access.log combined buffer=64k flush=1s;
  upstream mcp { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 100000000; }
  upstream judge { server 127.0.0.1:${authPort}; keepalive 64; keepalive_requests 100000000; }
  proxy_cache_path ${directory}/answers keys_zone=answers:10m;
  server {
    listen 127.0.0.1:${port} ssl http2 backlog=4096;
    ssl_certificate ${certFile}; ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.2 TLSv1.3;
    ${buildAuthLocation(check)}
    location = /mcp {
      ${check === 'none' ? '' : 'auth_request /auth;'}
      proxy_pass http://mcp; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off; proxy_cache off;
      proxy_read_timeout 24h; proxy_send_timeout 24h;
      proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }`;
    writeFileSync(file, buildNginxConfig(directory, http));
    return { port, command: toNginxCommand(directory, file) };
  },
};

function buildAuthLocation(check: Check): string {
  if (check === 'none') return '';
  const cache =
    check === 'cached-token' || check === 'issued-token'
      ? 'proxy_cache answers; proxy_cache_key $http_authorization; proxy_cache_valid 200 204 10s;'
      : '';
  return `location = /auth {
      internal; proxy_pass http://judge; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_pass_request_body off; proxy_set_header Content-Length ""; ${cache}
    }`;
}
