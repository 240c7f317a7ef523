import type { Clock } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { isPublicHostName } from './certificate-name.ts';
import { withDeadline } from './deadline.ts';
import { IssueError } from './issuer.ts';
import type { TlsMaterial } from '../tls-material.ts';

export interface OnDemandOptions {
  /** Whether a certificate may be obtained for a name; a rejection counts as no. */
  readonly ask: (name: string, signal: AbortSignal) => Promise<boolean>;
  /** New names in an hour. */
  readonly perHour: number;
}

export interface OnDemandParts extends OnDemandOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Begins to look after a name that was allowed; resolves when its first attempt is over. */
  readonly admit: (name: string) => Promise<TlsMaterial | undefined>;
  /** True for a name that is looked after already, although there is no certificate yet. */
  readonly isManaged: (name: string) => boolean;
  readonly onProblem: (name: string, problem: string) => void;
}

export interface OnDemand {
  /**
   * The certificate for a name that nobody configured, if it is allowed and comes within 20 seconds; never rejects. After
   * that it is fetched on, for those who come later.
   */
  obtain(name: string): Promise<TlsMaterial | undefined>;
  /** Whether a name may still have a certificate, asked anew. Rejects when nobody can tell. */
  isAllowed(name: string, signal: AbortSignal): Promise<boolean>;
}

const minute = 60_000;
const hour = 60 * minute;
const patience = 20_000;
const askDeadline = 10_000;
const refusedFor = 10 * minute;
/** When the answer did not come, the next client may have more luck. */
const unansweredFor = minute;
/**
 * Names come from strangers: what is kept about them, and how many are asked about at once, is bounded (memory and
 * request flooding).
 */
const mostRefused = 10_000;
const mostAsking = 16;

const onLate = (): Error =>
  new IssueError('E_ACME_UNREACHABLE', 'the service that permits names did not answer within 10 s', {
    hint: 'check the service at `tls.acme.on_demand.ask`',
  });

/**
 * Admits names when a client asks for them: at most `perHour` new ones, 16 asked about at once, each within 10 seconds. One that may not
 * have a certificate is refused for 10 minutes, one of which nobody could tell for a minute. Ends with `signal`.
 */
export function createOnDemand(parts: OnDemandParts): OnDemand {
  const { clock, perHour, signal } = parts;
  const refused = new Map<string, number>();
  /** Allowed a moment ago: the attempt that follows need not ask again. */
  const fresh = new Set<string>();
  const flights = new Map<string, Promise<TlsMaterial | undefined>>();
  let asking = 0;
  let admitted: readonly number[] = [];
  let reportedAt: number | undefined;

  const refuse = (name: string, milliseconds: number): void => {
    const [oldest] = refused.keys();
    if (refused.size >= mostRefused && oldest !== undefined) refused.delete(oldest);
    refused.set(name, clock.monotonic() + milliseconds);
  };

  const isRefused = (name: string): boolean => {
    const until = refused.get(name);
    if (until === undefined) return false;
    if (clock.monotonic() < until) return true;
    refused.delete(name);
    return false;
  };

  const isOverLimit = (name: string): boolean => {
    const elapsed = clock.monotonic();
    admitted = admitted.filter((at) => at > elapsed - hour);
    if (admitted.length < perHour) return false;
    if (reportedAt === undefined || elapsed >= reportedAt + hour) {
      reportedAt = elapsed;
      parts.onProblem(name, `the limit of ${perHour} new names an hour is reached`);
    }
    return true;
  };

  const isAllowed = async (name: string, limited: AbortSignal): Promise<boolean> => {
    if (fresh.delete(name)) return true;
    const how = { clock, signal: limited, milliseconds: askDeadline, onLate };
    return withDeadline(how, (within) => parts.ask(name, within));
  };

  const fly = async (name: string): Promise<TlsMaterial | undefined> => {
    asking++;
    let allowed: boolean;
    try {
      allowed = await isAllowed(name, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      refuse(name, unansweredFor);
      const reason = toErrorMessage(error);
      parts.onProblem(name, `whether it may have a certificate could not be found out: ${reason}`);
      return undefined;
    } finally {
      asking--;
    }
    if (!allowed) {
      refuse(name, refusedFor);
      return undefined;
    }
    if (isOverLimit(name)) return undefined;
    admitted = [...admitted, clock.monotonic()];
    fresh.add(name);
    return parts.admit(name).finally(() => fresh.delete(name));
  };

  const begin = (name: string): Promise<TlsMaterial | undefined> => {
    const flight = fly(name).finally(() => flights.delete(name));
    flights.set(name, flight);
    return flight;
  };

  return {
    async obtain(name) {
      if (signal.aborted || !isPublicHostName(name)) return undefined;
      const running = flights.get(name);
      if (running !== undefined) return waitFor(running, clock);
      if (parts.isManaged(name) || isRefused(name) || asking >= mostAsking) return undefined;
      return waitFor(begin(name), clock);
    },
    isAllowed,
  };
}

/** Gives up waiting, not the work. A failure is reported where it happens. */
async function waitFor<T>(work: Promise<T>, clock: Clock): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = clock.setTimeout(() => resolve(undefined), patience);
  try {
    return await Promise.race([work.catch(() => undefined), promise]);
  } finally {
    timer.cancel();
  }
}
