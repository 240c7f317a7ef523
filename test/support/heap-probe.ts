/** Loaded into the gateway's process before its own program: answers the message `heap` with what is alive after a collection. */
process.on('message', (message) => {
  if (message !== 'heap' || globalThis.gc === undefined) return;
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.(heapUsed + external);
});
// The channel of the probe must not keep a drained gateway running.
process.channel?.unref();
