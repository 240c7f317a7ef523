/** What a body has to arrive at once its time-out has passed: a thin mobile line, and still a cost for a slow-body attack. */
const BYTES_PER_MILLISECOND = 16;

/**
 * The deadline of a body after more of it has arrived: later by what the bytes are worth, so that a trickle ends, and at `latest`,
 * its time-out from now, so that one that stops does too, however much has come before (bodies that stop short of their end).
 */
export function toBodyDeadline(deadline: number, bytes: number, latest: number): number {
  return Math.min(deadline + bytes / BYTES_PER_MILLISECOND, latest);
}
