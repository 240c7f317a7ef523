import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Availability } from '../peer.ts';

/** Where the packages are that are measured and nothing else. */
export const npmPeers: string = fileURLToPath(new URL('../npm-peers', import.meta.url));

/** Rows that need a proxy to pass a stream of the upstream through, which an MCP endpoint of its own does not. */
export const cannotStream: Readonly<Record<string, string>> = {
  'bare-h2': 'it serves HTTP/1.1 alone',
  'secured-cached-h1': 'its check has no cache to turn on; see secured-h1',
  'ruled-h1': 'its check has no cache to turn on; see secured-h1',
  'first-event': 'it ends streams itself instead of passing them through',
  'idle-memory': 'it ends streams itself instead of passing them through',
  'fan-out': 'it ends streams itself instead of passing them through',
};

/** Installs the packages when they are not there yet, and tells the version of one. */
export function findNpmPeer(name: string): Availability {
  const manifest = join(npmPeers, 'node_modules', name, 'package.json');
  if (!existsSync(manifest)) {
    const { status, stderr } = spawnSync('npm', ['ci', '--prefix', npmPeers, '--ignore-scripts'], {
      encoding: 'utf8',
    });
    if (status !== 0 || !existsSync(manifest))
      return { kind: 'missing', reason: `npm ci in bench/npm-peers failed: ${stderr.trim().split('\n')[0]}` };
  }
  // Every npm package has a version.
  return {
    kind: 'found',
    version: (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
  };
}
