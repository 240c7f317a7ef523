import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { token } from '../token.ts';
import { notCached } from './not-cached.ts';

const script = fileURLToPath(new URL('undici-proxy.ts', import.meta.url));

/** What Node offers without a data path of one's own: `node:https` in front of an undici pool. */
export const undiciBaseline: Peer = {
  name: 'undici-baseline',
  cannot: { 'bare-h2': 'it serves HTTP/1.1 alone', 'secured-cached-h1': notCached, 'ruled-h1': notCached },
  find() {
    const manifest = createRequire(import.meta.url).resolve('undici/package.json');
    // Every npm package has a version.
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    return { kind: 'found', version };
  },
  async prepare({ directory, upstreamPort, certFile, keyFile, check }) {
    const port = await findFreePort();
    const file = join(directory, 'options.json');
    const options = {
      port,
      upstream: `http://127.0.0.1:${upstreamPort}`,
      certFile,
      keyFile,
      accessFile: join(directory, 'access.log'),
      token: check === 'none' ? null : token,
    };
    writeFileSync(file, JSON.stringify(options));
    return { port, command: [process.execPath, script, file] };
  },
};
