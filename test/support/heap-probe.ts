/**
 * Loaded into the gateway's process before its own program. It answers `heap` with the bytes alive after a collection,
 * `handles` with how many sockets, timers and requests keep the event loop going, and `loop` with how late the event loop ran since the `loop` before; the first one starts the meter.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MILLISECONDS = 10;
const NANOSECONDS_PER_MILLISECOND = 1e6;

// Only on demand: in virtual time its timer would fire thousands of times a second.
let delays: ReturnType<typeof monitorEventLoopDelay> | undefined;

process.on('message', (message) => {
  if (message === 'heap' && globalThis.gc !== undefined) {
    globalThis.gc();
    // Gives free pages back to the system too: what stays resident then is held by something.
    globalThis.gc({ type: 'major', flavor: 'last-resort' });
    const { heapUsed, external } = process.memoryUsage();
    process.send?.(heapUsed + external);
  }
  if (message === 'handles') process.send?.(process.getActiveResourcesInfo().length);
  if (message === 'loop') process.send?.(readLoopDelay());
});
// The channel of the probe must not keep a drained gateway running.
process.channel?.unref();

function readLoopDelay(): { readonly p99: number; readonly longest: number } {
  if (delays === undefined) {
    delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLISECONDS });
    delays.enable();
    return { p99: 0, longest: 0 };
  }
  // The meter records the time between two looks, which are the resolution apart when nothing is late.
  const toDelay = (nanoseconds: number): number =>
    Math.max(0, nanoseconds / NANOSECONDS_PER_MILLISECOND - RESOLUTION_MILLISECONDS);
  const result = { p99: toDelay(delays.percentile(99)), longest: toDelay(delays.max) };
  delays.reset();
  return result;
}
