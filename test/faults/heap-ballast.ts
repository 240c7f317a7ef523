/**
 * Loaded into the gateway's process by a test. With each SIGWINCH it does the next of three things: fills the heap with
 * objects until old ones take 90 % of their limit, lets go of all of them, and fills it until the engine gives up.
 */
import { getHeapSpaceStatistics } from 'node:v8';

const MIB = 1024 * 1024;
const limit = MIB * Number(/--max-old-space-size=(\d+)/.exec(process.execArgv.join(' '))?.[1]);
const PIECE = 2000;
const PIECES_TO_WEIGH = 100;

// In pieces: one long list would be copied whenever it grows.
let ballast: object[][] = [];
const steps = [(): void => fill(countPieces(0.9)), letGo, (): void => fill(Number.POSITIVE_INFINITY)];

process.on('SIGWINCH', () => steps.shift()?.());

/**
 * How many pieces more fill the heap to the share. Some are weighed, so that nothing has to be collected while it fills: the
 * engine gives up, below its limit, where collections in a row free next to nothing.
 */
function countPieces(share: number): number {
  const before = readAlive();
  for (let count = 0; count < PIECES_TO_WEIGH; count++) ballast.push(buildPiece());
  const after = readAlive();
  return Math.ceil((limit * share - after) / ((after - before) / PIECES_TO_WEIGH));
}

/** A piece at a time, so that the gateway works on meanwhile, as it does while its load grows. */
function fill(pieces: number): void {
  if (pieces <= 0) return;
  ballast.push(buildPiece());
  setImmediate(fill, pieces - 1);
}

function buildPiece(): object[] {
  return Array.from({ length: PIECE }, (_, index) => ({ index, text: `${index}`, list: [index] }));
}

function letGo(): void {
  ballast = [];
  globalThis.gc?.();
}

/** Bytes of old objects after a collection, which leaves no young ones. */
function readAlive(): number {
  globalThis.gc?.();
  let used = 0;
  for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics()) {
    if (!name.startsWith('new_')) used += size;
  }
  return used;
}
