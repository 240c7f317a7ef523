import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { TcpTableScan, type UnansweredConnection } from './tcp-table.ts';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const BUFFER_BYTES = 64 * 1024;

/**
 * Reads which connections of this machine have a peer that does not answer; `undefined` where the system does not tell
 * (it is not Linux). The table is read piece by piece, so that a long one does not hold up the event loop: 20,000
 * connections cost about 75 ms of processor time, a third of it here and the rest in the kernel.
 */
export async function readUnansweredConnections(): Promise<readonly UnansweredConnection[] | undefined> {
  if (process.platform !== 'linux' || endianness() !== 'LE') return undefined;
  const found: UnansweredConnection[] = [];
  let tables = 0;
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  for (const path of TABLES) {
    // One of them is absent where an address family is, both where /proc is not mounted or no descriptor is free.
    const table = await open(path).catch(() => undefined);
    if (table === undefined) continue;
    tables++;
    const scan = new TcpTableScan();
    try {
      for (;;) {
        const { bytesRead } = await table.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) break;
        scan.feed(buffer.subarray(0, bytesRead));
      }
    } finally {
      await table.close();
    }
    found.push(...scan.unanswered);
  }
  return tables === 0 ? undefined : found;
}
