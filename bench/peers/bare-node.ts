import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';

const script = fileURLToPath(new URL('bare-proxy.ts', import.meta.url));

/** What `node:tls` and `node:net` cost by themselves: no data path on Node can be faster than this one, which does nothing. */
export const bareNode: Peer = {
  name: 'bare-node',
  isOnRequest: true,
  isUnchecked: true,
  cannot: { 'bare-h2': 'it passes bytes on, and its upstream serves HTTP/1.1 alone' },
  note: 'reads nothing, checks nothing, logs nothing: no proxy, but the floor under every proxy on Node',
  find: () => ({ kind: 'found', version: process.version }),
  async prepare({ upstreamPort, certFile, keyFile }) {
    const port = await findFreePort();
    return {
      port,
      command: [process.execPath, script, String(port), String(upstreamPort), certFile, keyFile],
    };
  },
};
