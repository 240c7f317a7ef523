import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void; // Defined by the flag.

/** Bytes of heap and buffers that are still reachable. */
export async function measureMemory(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => void setImmediate(resolve));
    collectGarbage();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
