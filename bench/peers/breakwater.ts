import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import { findPort, proxyCore, startOnCore } from '../programs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The built package, one process, access log to a file. */
export const breakwater: Peer = {
  name: 'breakwater',
  version() {
    const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    return typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : '';
  },
  async start({ directory, upstreamPort, certFile, keyFile }) {
    const port = await findPort();
    const file = join(directory, 'breakwater.yaml');
    writeFileSync(
      file,
      `listen: 127.0.0.1:${port}
tls: { cert: ${certFile}, key: ${keyFile} }
routes: [{ path: /mcp, upstream: 'http://127.0.0.1:${upstreamPort}/mcp' }]
limits: { connections_per_address: 20000 }
log: { level: warn, access: ${join(directory, 'access.log')} }
state_dir: ${directory}
`,
    );
    const command = [process.execPath, join(root, 'bin/breakwater.js'), 'up', '--config', file];
    const outputFile = join(directory, 'output.txt');
    return { port, process: await startOnCore({ core: proxyCore, command, port, outputFile }) };
  },
};
