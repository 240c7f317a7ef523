import { totalmem } from 'node:os';
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import type { MemoryReading } from './memory-guard.ts';

const MIB = 1024 * 1024;
/** What Node 24 counts into its heap limit for objects that are young, beyond what old ones may fill. */
const YOUNG_BYTES = 192 * MIB;

/** Builds the reader of this process's memory. It takes some tens of microseconds. */
export function buildMemoryReader(): () => readonly MemoryReading[] {
  const residentLimit = Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem());
  // Bun's engine takes memory from the system without a limit of its own, and has no spaces.
  const heapLimit = process.versions['bun'] === undefined ? readOldSpaceLimit() : undefined;
  return () => {
    const resident = { used: process.memoryUsage.rss(), limit: residentLimit };
    return heapLimit === undefined ? [resident] : [{ used: readOldSpace(), limit: heapLimit }, resident];
  };
}

/** The engine gives up when its old objects outgrow this; the limit it reports counts young ones too. */
function readOldSpaceLimit(): number {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')].join(' ');
  const asked = /--max[-_]old[-_]space[-_]size=(\d+)/.exec(flags)?.[1];
  if (asked !== undefined) return Number(asked) * MIB;
  const { heap_size_limit: all } = getHeapStatistics();
  return Math.max(all - YOUNG_BYTES, all / 2);
}

function readOldSpace(): number {
  let bytes = 0;
  for (const { space_name: name, space_used_size: used } of getHeapSpaceStatistics()) {
    if (!name.startsWith('new_')) bytes += used;
  }
  return bytes;
}
