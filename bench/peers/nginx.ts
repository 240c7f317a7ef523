import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findPort, proxyCore, readVersion, startOnCore } from '../programs.ts';

/** One worker, the usual block for event streams made right: keep-alive upstream, nothing buffered. */
export const nginx: Peer = {
  name: 'nginx',
  version: () => readVersion('nginx', ['-v']),
  async start({ directory, upstreamPort, certFile, keyFile }) {
    const port = await findPort();
    const file = join(directory, 'nginx.conf');
    writeFileSync(
      file,
      `worker_processes 1; daemon off; pid ${directory}/pid; error_log ${directory}/error.log;
events { worker_connections 20000; }
http {
  access_log ${directory}/access.log combined buffer=64k flush=1s;
  keepalive_requests 100000000;
  client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  upstream mcp { server 127.0.0.1:${upstreamPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};
    http2_max_requests 100000000;
    location = /mcp {
      proxy_pass http://mcp; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_cache off; proxy_read_timeout 24h; proxy_send_timeout 24h;
      proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`,
    );
    const outputFile = join(directory, 'output.txt');
    const command = ['nginx', '-e', join(directory, 'error.log'), '-c', file];
    return { port, process: await startOnCore({ core: proxyCore, command, port, outputFile }) };
  },
};
