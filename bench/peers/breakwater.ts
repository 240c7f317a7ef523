import { hash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVersion } from '../../src/lib/version.ts';
import type { Peer } from '../peer.ts';
import { findPort } from '../programs.ts';
import { token } from '../token.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const executable = join(root, 'build/breakwater');

/** The built package, one process, access log to a file. */
export const breakwater: Peer = createBreakwater(
  'breakwater',
  join(root, 'bin/breakwater.js'),
  [process.execPath, join(root, 'bin/breakwater.js')],
  'npm run build',
);

/** The same code compiled into one file. */
export const breakwaterExecutable: Peer = createBreakwater(
  'breakwater-executable',
  executable,
  [executable],
  'npm run build:executable',
);

function createBreakwater(name: string, file: string, program: readonly string[], howToBuild: string): Peer {
  return {
    name,
    find: () =>
      existsSync(file)
        ? { kind: 'found', version: readVersion() }
        : { kind: 'missing', reason: `not built (${howToBuild})` },
    async prepare({ directory, upstreamPort, certFile, keyFile, check }) {
      const port = await findPort();
      const config = {
        listen: `127.0.0.1:${port}`,
        tls: { cert: certFile, key: keyFile },
        routes: [{ path: '/mcp', upstream: `http://127.0.0.1:${upstreamPort}/mcp` }],
        limits: { connections_per_address: 20_000 },
        log: { level: 'warn', access: join(directory, 'access.log') },
        state_dir: directory,
        ...(check === 'none' ? {} : { auth: { keys: [{ name: 'bench', sha256: hash('sha256', token) }] } }),
      };
      const configFile = join(directory, 'breakwater.json');
      writeFileSync(configFile, JSON.stringify(config));
      return { port, command: [...program, 'up', '--config', configFile] };
    },
  };
}
