import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LOOK_MILLISECONDS = 500;
/** Less than this between two looks is no progress: the runtime learns of a write of its own when all of it has been taken, not of parts. */
const PIECE_BYTES = 64 * 1024;

export interface ProgressWatch {
  /** Of each connection that was closed by then: milliseconds since the system last took a piece for it. */
  stop(): Promise<readonly number[]>;
}

/** Watches how far the connections from one port of this machine get, as the system's own socket statistics tell (ss). */
export function watchProgress(port: number): ProgressWatch {
  const connections = new Map<string, { taken: number; changedAt: number }>();
  const stalls: number[] = [];
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    const filter = ['state', 'established', 'sport', '=', `:${port}`];
    const { stdout } = await run('ss', ['-tinH', ...filter], { maxBuffer: 64 * 1024 * 1024 });
    const now = performance.now();
    const open = new Set<string>();
    // Each connection has a line with its queues and ends, and a line with its statistics.
    for (const [, waiting, peer = '', acknowledged] of stdout.matchAll(
      /^\d+\s+(\d+)\s+\S+\s+(\S+).*\n.*?(?:bytes_acked:(\d+)|$)/gm,
    )) {
      open.add(peer);
      const taken = Number(waiting) + Number(acknowledged ?? 0);
      const before = connections.get(peer) ?? { taken: 0, changedAt: now };
      const changedAt = taken - before.taken >= PIECE_BYTES ? now : before.changedAt;
      connections.set(peer, { taken, changedAt });
    }
    for (const [peer, { changedAt }] of connections) {
      if (open.has(peer)) continue;
      connections.delete(peer);
      stalls.push(now - changedAt);
    }
  };
  const timer = setInterval(() => {
    looking ??= look().finally(() => (looking = undefined));
  }, LOOK_MILLISECONDS);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
      await look();
      return stalls;
    },
  };
}
