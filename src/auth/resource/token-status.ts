import type { Clock } from '../../lib/clock.ts';
import type { Principal } from '../principal.ts';

/**
 * Asks whether a token that counted still does; `unknown` when there is no answer just now, `unasked` when the question could not be put.
 * Never rejects.
 */
export type AskTokenStatus = () => Promise<'active' | 'ended' | 'unknown' | 'unasked'>;

/** In milliseconds. */
export interface Pace {
  /** After how long it is asked again about a token that is in use. */
  readonly askAgainAfter: number;
  /** For how long the last answer counts where no other comes. */
  readonly longestSilence: number;
}

/** Follows tokens that can end before they expire. */
export interface TokenStatuses {
  watch(principal: Principal, ask: AskTokenStatus, pace: Pace): void;
  /** Whether it still counts, as far as is known; asks anew, in the background, when the last answer is old. */
  isActive(principal: Principal): boolean;
  end(principal: Principal): void;
}

interface Watched {
  readonly ask: AskTokenStatus;
  readonly pace: Pace;
  /** Monotonic milliseconds of the last question, and of the last answer that was one. */
  askedAt: number;
  knownAt: number;
  isAsking: boolean;
  hasEnded: boolean;
}

/**
 * For tokens that may be revoked. With the look that the gateway takes each second, what is open ends within five seconds. An issuer that
 * is away must not end all streams at once, nor keep revoked tokens alive for long.
 */
export const revocationPace: Pace = { askAgainAfter: 3000, longestSilence: 60_000 };

export function createTokenStatuses({ clock }: { readonly clock: Clock }): TokenStatuses {
  const watched = new WeakMap<Principal, Watched>();

  async function askAgain(entry: Watched): Promise<void> {
    const now = clock.monotonic();
    entry.isAsking = true;
    const answer = await entry.ask();
    entry.isAsking = false;
    // Whoever found no room is due at the next look, before those who did: else the same ones would find it each time.
    if (answer !== 'unasked') entry.askedAt = now;
    if (answer === 'ended') entry.hasEnded = true;
    if (answer === 'active') entry.knownAt = clock.monotonic();
  }

  return {
    watch(principal, ask, pace) {
      const now = clock.monotonic();
      watched.set(principal, { ask, pace, askedAt: now, knownAt: now, isAsking: false, hasEnded: false });
    },
    isActive(principal) {
      const entry = watched.get(principal);
      if (entry === undefined) return true;
      if (entry.hasEnded) return false;
      const now = clock.monotonic();
      const { askAgainAfter, longestSilence } = entry.pace;
      if (!entry.isAsking && now - entry.askedAt >= askAgainAfter) void askAgain(entry);
      return now - entry.knownAt < longestSilence;
    },
    end(principal) {
      const entry = watched.get(principal);
      if (entry !== undefined) entry.hasEnded = true;
    },
  };
}
