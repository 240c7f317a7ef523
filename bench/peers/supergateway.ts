import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { cannotStream, findNpmPeer, npmPeers } from './npm-peers.ts';

/** Two of its own modes in a row: Streamable HTTP to stdio, and stdio to Streamable HTTP. */
export const supergateway: Peer = {
  name: 'supergateway',
  isPlain: true,
  isMcpEndpoint: true,
  isUnchecked: true,
  cannot: cannotStream,
  note: 'does no TLS and checks no token: measured over plain HTTP and without a check, which favours it',
  find: () => findNpmPeer('supergateway'),
  async prepare({ upstreamPort }) {
    const port = await findFreePort();
    const program = join(npmPeers, 'node_modules/supergateway/dist/index.js');
    const bridge = `${process.execPath} ${program} --streamableHttp http://127.0.0.1:${upstreamPort}/mcp --logLevel none`;
    const shape = ['--outputTransport', 'streamableHttp', '--stateful', '--port', String(port)];
    return {
      port,
      command: [process.execPath, program, '--stdio', bridge, ...shape],
    };
  },
};
