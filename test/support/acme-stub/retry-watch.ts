import type { Clock } from '../../../src/lib/clock.ts';
import { parseRecord, toRecord, type Endpoint, type StubRequest, type StubResponse } from './exchange.ts';
import type { Ledger } from './ledger.ts';

/** Notes clients that ask for the same again before the time the stub told them with 429. */
export interface RetryWatch {
  check(endpoint: Endpoint, request: StubRequest): void;
  note(endpoint: Endpoint, request: StubRequest, response: StubResponse): void;
}

export function createRetryWatch(clock: Clock, ledger: Ledger): RetryWatch {
  const quietUntil = new Map<string, number>();
  return {
    check(endpoint, request) {
      if (endpoint !== 'newOrder' && endpoint !== 'newAccount') return;
      const { key, names } = readSubject(endpoint, request);
      const until = quietUntil.get(key);
      if (until === undefined || clock.now() >= until) return;
      ledger.violations.push({ at: clock.now(), limit: 'retryAfter', account: undefined, names });
    },
    note(endpoint, request, response) {
      const retryAfter = response.headers['retry-after'];
      if (response.status !== 429 || retryAfter === undefined) return;
      const seconds = Number(retryAfter);
      const until = Number.isNaN(seconds) ? Date.parse(retryAfter) : clock.now() + seconds * 1000;
      quietUntil.set(readSubject(endpoint, request).key, until);
    },
  };
}

/** What a request is about, whoever signed it: a renewal is something else than a first order, since other limits hold. */
function readSubject(
  endpoint: Endpoint,
  request: StubRequest,
): { readonly key: string; readonly names: readonly string[] } {
  const encoded = parseRecord(request.body)?.['payload'];
  const payload =
    typeof encoded === 'string' ? parseRecord(Buffer.from(encoded, 'base64url').toString('utf8')) : undefined;
  const identifiers = payload?.['identifiers'];
  const names = Array.isArray(identifiers)
    ? identifiers.map((identifier) => String(toRecord(identifier)?.['value'])).toSorted()
    : [];
  return { key: JSON.stringify([endpoint, payload?.['replaces'], names]), names };
}
