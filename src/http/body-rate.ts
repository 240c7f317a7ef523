/** What a body has to arrive at, on average, once its time-out has passed: a thin mobile line, and still a cost for a slow-body attack. */
const BYTES_PER_MILLISECOND = 16;

/** Milliseconds by which so many bytes of a body put off its deadline. */
export function toExtraTime(bytes: number): number {
  return bytes / BYTES_PER_MILLISECOND;
}
