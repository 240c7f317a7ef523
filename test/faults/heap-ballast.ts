/**
 * Loaded into the gateway's process by a test. With each SIGUSR2 it does the next of three things: fills the heap with
 * objects until old ones take 90 % of their limit, lets go of all of them, and fills it until the engine gives up.
 */
import { getHeapSpaceStatistics } from 'node:v8';

const MIB = 1024 * 1024;
const limit = MIB * Number(/--max-old-space-size=(\d+)/.exec(process.execArgv.join(' '))?.[1]);
const PIECE = 2000;
const PIECES_A_COLLECTION = 50;

// In pieces: one long list would be copied whenever it grows.
let ballast: object[][] = [];
const steps = [(): void => fill(0.9), letGo, (): void => fill(Number.POSITIVE_INFINITY)];

process.on('SIGUSR2', () => steps.shift()?.());

/** A piece at a time, so that the gateway works on meanwhile, as it does while its load grows. */
function fill(share: number): void {
  ballast.push(Array.from({ length: PIECE }, (_, index) => ({ index, text: `${index}`, list: [index] })));
  // What is counted is to be alive.
  if (ballast.length % PIECES_A_COLLECTION === 0) globalThis.gc?.();
  if (readShare() < share) setImmediate(fill, share);
}

function letGo(): void {
  ballast = [];
  globalThis.gc?.();
}

function readShare(): number {
  let used = 0;
  for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics()) {
    if (!name.startsWith('new_')) used += size;
  }
  return used / limit;
}
