import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { token } from '../token.ts';
import { cannotStream, findNpmPeer, npmPeers } from './npm-peers.ts';

/** The npm package as a library, straight in front of the HTTP server: its program would put a stdio bridge between. */
export const mcpProxy: Peer = {
  name: 'mcp-proxy',
  isMcpEndpoint: true,
  cannot: cannotStream,
  note: 'used as a library without its stdio bridge, and has no access log: both favour it',
  find: () => findNpmPeer('mcp-proxy'),
  async prepare({ directory, upstreamPort, certFile, keyFile, check }) {
    const port = await findFreePort();
    const file = join(directory, 'options.json');
    const options = {
      port,
      upstream: `http://127.0.0.1:${upstreamPort}/mcp`,
      certFile,
      keyFile,
      apiKey: check === 'none' ? undefined : token,
    };
    writeFileSync(file, JSON.stringify(options));
    return { port, command: [process.execPath, join(npmPeers, 'mcp-proxy.mjs'), file] };
  },
};
