import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { readResidentKib } from '../process-tree.ts';
import { stop } from '../programs.ts';
import { summarize, type Round } from '../statistics.ts';
import { startStreamUpstream } from '../upstream.ts';
import type { Row } from './row.ts';

const STREAMS = 1000;
const AT_ONCE = 50;
const WARM_UP_STREAMS = 100;

/** Resident memory that one idle stream adds to a proxy: TLS to the client, HTTP to the upstream. */
export const idleMemory: Row = {
  id: 'idle-memory',
  title: `idle TLS + SSE stream, ${STREAMS} open`,
  unit: 'KiB per stream',
  targets: [],
  async measure(options) {
    const upstream = await startStreamUpstream(options.directory);
    const round = new Map<string, number>();
    try {
      for (const peer of options.peers) {
        const directory = join(options.directory, `idle-memory-${peer.name}`);
        mkdirSync(directory, { recursive: true });
        const running = await peer.start({ ...options, directory, upstreamPort: upstream.port });
        const sockets: TLSSocket[] = [];
        try {
          // The first streams pay for code and pools that all later ones share.
          await openStreams(sockets, running.port, WARM_UP_STREAMS);
          const before = readResidentKib(running.process.pid ?? 0);
          await openStreams(sockets, running.port, STREAMS);
          const added = readResidentKib(running.process.pid ?? 0) - before;
          round.set(peer.name, Math.round((added / STREAMS) * 10) / 10);
        } finally {
          for (const socket of sockets) socket.destroy();
          await stop(running.process);
        }
      }
    } finally {
      await stop(upstream.process);
    }
    options.onProgress(`idle-memory: ${[...round].map(([name, value]) => `${name} ${value}`).join(', ')}`);
    const rounds: readonly Round[] = [round];
    return summarize(idleMemory, rounds);
  },
};

async function openStreams(sockets: TLSSocket[], port: number, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - opened) }, () => openStream(port));
    sockets.push(...(await Promise.all(batch)));
  }
}

async function openStream(port: number): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    // The certificate was made a moment ago by this program.
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  });
  await once(socket, 'secureConnect');
  socket.write(`GET /mcp HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: text/event-stream\r\n\r\n`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  if (!head.toString('latin1').startsWith('HTTP/1.1 200 '))
    throw new Error(`not a stream: ${head.toString('latin1', 0, 60)}`);
  return socket;
}
