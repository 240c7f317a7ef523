import type { Clock } from '../../lib/clock.ts';
import { pauseOrReject } from '../../lib/pause.ts';
import { IssueError } from '../automation/issuer.ts';

/** What one look has shown: the end, or nothing yet and when to look again at the earliest, in milliseconds. */
export type Look<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'wait'; readonly retryAfter: number | undefined };

export interface PollOptions<T> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds until it is given up. */
  readonly timeout: number;
  /** What is waited for, for the error: `the order at Let's Encrypt`. */
  readonly subject: string;
  look(): Promise<Look<T>>;
}

const firstInterval = 250;
const longestInterval = 5000;
const shortestInterval = 250;
/** A broken connection in the middle of an order must not cost the order. */
const mostFailures = 3;

/** Looks again and again until the end is seen. Rejects with E_ACME_STUCK when the time is up, and with what `look` rejects with. */
export async function poll<T>(options: PollOptions<T>): Promise<T> {
  const { clock, signal, timeout } = options;
  const deadline = clock.monotonic() + timeout;
  let interval = firstInterval;
  let failures = 0;
  for (;;) {
    let retryAfter: number | undefined;
    let failure: IssueError | undefined;
    try {
      const look = await options.look();
      if (look.kind === 'done') return look.value;
      failures = 0;
      retryAfter = look.retryAfter;
    } catch (error) {
      failures += 1;
      if (!isUnreachable(error) || failures >= mostFailures) throw error;
      failure = error;
      retryAfter = error.retryAfter;
    }
    const left = deadline - clock.monotonic();
    const wanted = Math.max(retryAfter ?? Math.min(interval, left), shortestInterval);
    // Asking earlier than the authority wants to be asked is never right, however little time is left.
    if (left <= 0 || wanted > left + shortestInterval) {
      throw failure ?? toStuck(options, retryAfter);
    }
    await pauseOrReject(clock, wanted, signal);
    interval = Math.min(interval * 2, longestInterval);
  }
}

function toStuck(options: PollOptions<unknown>, retryAfter: number | undefined): IssueError {
  const { subject, timeout } = options;
  const message = `${subject} was not done within ${Math.round(timeout / 1000)} s`;
  return new IssueError('E_ACME_STUCK', message, retryAfter === undefined ? {} : { retryAfter });
}

function isUnreachable(error: unknown): error is IssueError {
  return error instanceof IssueError && error.code === 'E_ACME_UNREACHABLE';
}
