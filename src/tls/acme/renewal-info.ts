import type { Clock } from '../../lib/clock.ts';
import { toPrintableLine } from '../../lib/printable.ts';
import type { RenewalInfo } from '../automation/issuer.ts';
import type { AcmeHttp } from './acme-http.ts';
import { renewalInfoSchema } from './acme-objects.ts';
import { toResponseError } from './problem.ts';
import { parseRetryAfter } from './retry-after.ts';
import { notAcme, parseObject } from './signed-requests.ts';

const minute = 60_000;
const shortestPause = minute;
const longestPause = 24 * 60 * minute;
/** RFC 9773 section 4.3.1 leaves it open; this is often enough to renew in time after a mass revocation. */
const usualPause = 6 * 60 * minute;

/**
 * Asks when the authority wants a certificate renewed (RFC 9773 section 4.2). Undefined when it does not know the certificate.
 * Rejects with an IssueError (E_ACME_UNREACHABLE) for a window that is none: section 4.3 then leaves the moment to the client.
 */
export async function fetchRenewalInfo(options: {
  readonly http: AcmeHttp;
  /** The resource of the directory. */
  readonly url: string;
  readonly certificateId: string;
  readonly title: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<RenewalInfo | undefined> {
  const { http, title, clock, signal } = options;
  const url = `${options.url.replace(/\/$/, '')}/${options.certificateId}`;
  const response = await http.send({ method: 'GET', url, signal });
  if (response.status === 404) return undefined;
  if (response.status >= 300) {
    throw toResponseError(response, { title, verdict: 'gives no renewal information' }, clock.now());
  }
  const { suggestedWindow, explanationURL } = parseObject(title, renewalInfoSchema, response);
  const windowStart = Date.parse(suggestedWindow.start);
  const windowEnd = Date.parse(suggestedWindow.end);
  // Also false for dates that are none.
  if (!(windowEnd > windowStart)) throw notAcme(title, 'a renewal window that ends before it begins');
  const asked = parseRetryAfter(response.headers['retry-after'], clock.now()) ?? usualPause;
  return {
    windowStart,
    windowEnd,
    explanationUrl: toWebAddress(explanationURL),
    retryAfter: Math.min(Math.max(asked, shortestPause), longestPause),
  };
}

/** For a person to open; anything but a web address is left out. */
function toWebAddress(text: string | undefined): string | undefined {
  return text !== undefined && /^https?:\/\//i.test(text) ? toPrintableLine(text, 500) : undefined;
}
