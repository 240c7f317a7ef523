import { toTermsUrl } from './directory.ts';
import type { Endpoint, StubResponse } from './exchange.ts';
import { toRetryAfterHeaders, type Fault } from './faults.ts';
import { toProblemResponse } from './problem.ts';
import type { StubContext } from './settings.ts';

/** What a fault makes of a request: an answer in place of the right one, or its loss after it was carried out. */
export type Disturbance = StubResponse | 'lost' | undefined;

const html = { 'content-type': 'text/html' };
const signed: ReadonlySet<Endpoint> = new Set<Endpoint>([
  'newAccount',
  'account',
  'newOrder',
  'order',
  'finalize',
  'authorization',
  'challenge',
  'certificate',
]);

/**
 * Applies the faults that concern whole requests. Rejects with a system error for a broken connection, and with the signal's
 * reason when the authority kept silent.
 */
export async function disturb(
  context: StubContext,
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
): Promise<Disturbance> {
  const { clock, origin, settings, faults } = context;
  const down = faults.strike('down', endpoint);
  if (down !== undefined) return applyDown(down, clock.now(), signal);
  const redirect = faults.strike('redirect', endpoint);
  if (redirect !== undefined) return { status: 307, headers: { location: redirect.location }, body: '' };
  const oversized = faults.strike('oversized', endpoint);
  if (oversized !== undefined) {
    const body = `{"padding":"${'x'.repeat(oversized.bytes)}"}`;
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
  if (!signed.has(endpoint)) return undefined;
  if (endpoint === 'newOrder' || endpoint === 'newAccount') {
    const limited = faults.strike('rateLimited', endpoint);
    if (limited !== undefined) {
      const headers = toRetryAfterHeaders(limited.retryAfter, clock.now());
      return toProblemResponse({ type: 'rateLimited', status: 429, detail: 'too many requests', headers });
    }
  }
  if (faults.strike('termsChanged', endpoint) !== undefined) return refuseTerms(toTermsUrl(origin));
  const badNonce = faults.strike('badNonce', endpoint);
  if (badNonce !== undefined && settings.random() < badNonce.rate) {
    return toProblemResponse({ type: 'badNonce', status: 400, detail: 'this nonce is not accepted' });
  }
  return undefined;
}

/** The error of a connection that a client sees as `code`. */
export function toConnectionError(code: 'ECONNREFUSED' | 'ECONNRESET'): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ${code}`), { code });
}

function applyDown(
  { how, retryAfter }: Extract<Fault, { kind: 'down' }>,
  now: number,
  signal: AbortSignal | undefined,
): Disturbance | Promise<never> {
  const headers = toRetryAfterHeaders(retryAfter, now);
  switch (how) {
    case 'refused':
      throw toConnectionError('ECONNREFUSED');
    case 'lost':
      return 'lost';
    case 'silent':
      return keepSilent(signal);
    case 'error':
      return toProblemResponse({ type: 'serverInternal', status: 500, detail: 'out of order', headers });
    case 'unavailable':
      return { status: 503, headers: { ...html, ...headers }, body: '<h1>503 Service Unavailable</h1>' };
    case 'garbage':
      return { status: 200, headers: html, body: '<!doctype html><title>Welcome</title>' };
  }
}

/** Rejects when the client gives up. */
function keepSilent(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => reject(signal?.reason);
    if (signal?.aborted === true) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
  });
}

function refuseTerms(url: string): StubResponse {
  return toProblemResponse({
    type: 'userActionRequired',
    status: 403,
    detail: 'the terms of service have changed',
    members: { instance: url },
    headers: { link: `<${url}>;rel="terms-of-service"` },
  });
}
