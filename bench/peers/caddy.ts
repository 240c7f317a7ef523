import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findPort, proxyCore, readVersion, startOnCore } from '../programs.ts';

/** `reverse_proxy` with immediate flushing, on one core. */
export const caddy: Peer = {
  name: 'caddy',
  version: () => readVersion('caddy', ['version']),
  async start({ directory, upstreamPort, certFile, keyFile }) {
    const port = await findPort();
    const file = join(directory, 'Caddyfile');
    writeFileSync(
      file,
      `{
  admin off
  auto_https off
}
https://localhost:${port} {
  bind 127.0.0.1
  tls ${certFile} ${keyFile}
  log {
    output file ${directory}/access.log
  }
  reverse_proxy 127.0.0.1:${upstreamPort} {
    flush_interval -1
    transport http {
      keepalive_idle_conns_per_host 64
    }
  }
}
`,
    );
    const outputFile = join(directory, 'output.txt');
    const environment = ['env', 'GOMAXPROCS=1', `HOME=${directory}`];
    const command = [...environment, 'caddy', 'run', '--adapter', 'caddyfile', '--config', file];
    return { port, process: await startOnCore({ core: proxyCore, command, port, outputFile }) };
  },
};
