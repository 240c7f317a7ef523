import { LRUCache } from 'lru-cache';
import type { Clock } from '../../lib/clock.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { describeFetchFailure, isPassingFailure, type FetchFailure } from '../fetch/fetch-failure.ts';
import type { SafeFetch } from '../fetch/safe-fetch.ts';
import { publicTargets, type TargetPolicy } from '../fetch/target-policy.ts';
import { parseClientIdUrl } from './client-id.ts';
import { parseClientMetadata, type ClientMetadata, type DocumentRefusal } from './client-metadata.ts';

export interface ClientMetadataOptions {
  /** Built by `createSafeFetch`. */
  readonly fetchJson: SafeFetch;
  readonly clock: Clock;
  /** The only hosts from which documents are taken, in lower case; any when empty. */
  readonly hosts: readonly string[];
  /** Further private-use redirects that documents may name, as for `parseRedirectUri`. */
  readonly redirects: readonly string[];
  /** Where documents may lie; public addresses when absent. */
  readonly targets?: TargetPolicy;
  /** The only roots that vouch for the hosts, as PEM; those of the runtime when absent. */
  readonly ca?: string | undefined;
  /** Documents kept, and as many failures; 1,000 when absent. */
  readonly capacity?: number;
}

export type ClientMetadataFailure =
  | { readonly reason: 'client-id' }
  | { readonly reason: 'host' }
  | { readonly reason: 'fetch'; readonly failure: FetchFailure }
  | { readonly reason: 'document'; readonly refusal: DocumentRefusal };

/** Never rejects. Answers from memory while a document is fresh; otherwise within the fetcher's deadline. */
export type LoadClientMetadata = (clientId: string) => Promise<Result<ClientMetadata, ClientMetadataFailure>>;

interface KeptDocument {
  readonly metadata: ClientMetadata;
  /** Monotonic milliseconds. */
  readonly freshUntil: number;
}

interface KeptFailure {
  readonly failure: ClientMetadataFailure;
  readonly until: number;
}

const shortestFresh = 300_000;
const longestFresh = 86_400_000;
/** A document that cannot be fetched again just now counts on for so long. */
const longestStale = 86_400_000;
/** Long enough that nobody has the gateway hammer a host, short enough that a corrected document is not missed. */
const failureHold = 30_000;

/**
 * Documents of clients, from memory or from their URLs. Those that are fresh by their headers are kept 5 minutes to
 * 24 hours, failures 30 seconds; however many ask, each URL is fetched once at a time.
 */
export function createClientMetadataLoader(options: ClientMetadataOptions): LoadClientMetadata {
  const { fetchJson, clock, redirects, targets = publicTargets, ca, capacity = 1000 } = options;
  const hosts = new Set(options.hosts);
  const documents = new LRUCache<string, KeptDocument>({ max: capacity });
  // cache-eviction: URLs that fail push out one another, never a document that is good.
  const failures = new LRUCache<string, KeptFailure>({ max: capacity });
  const running = new Map<string, Promise<Result<ClientMetadata, ClientMetadataFailure>>>();

  async function fetchDocument(clientId: string): Promise<Result<ClientMetadata, ClientMetadataFailure>> {
    const fetched = await fetchJson({ url: clientId, targets, ca });
    if (!fetched.ok) return fail({ reason: 'fetch', failure: fetched.error });
    const parsed = parseClientMetadata(fetched.value.json, { clientId, redirects });
    if (!parsed.ok) return fail({ reason: 'document', refusal: parsed.error });
    const now = clock.monotonic();
    const freshFor = Math.min(Math.max(fetched.value.freshFor ?? 0, shortestFresh), longestFresh);
    documents.set(clientId, { metadata: parsed.value, freshUntil: now + freshFor });
    return parsed;
  }

  async function refresh(clientId: string): Promise<Result<ClientMetadata, ClientMetadataFailure>> {
    const outcome = await fetchDocument(clientId);
    if (outcome.ok) return outcome;
    const failure = outcome.error;
    const now = clock.monotonic();
    if (failure.reason !== 'fetch' || !isPassingFailure(failure.failure)) documents.delete(clientId);
    // Being busy says nothing of the document.
    const isBusy = failure.reason === 'fetch' && failure.failure.kind === 'busy';
    if (!isBusy) failures.set(clientId, { failure, until: now + failureHold });
    return answerStale(clientId, failure);
  }

  function answerStale(
    clientId: string,
    failure: ClientMetadataFailure,
  ): Result<ClientMetadata, ClientMetadataFailure> {
    const kept = documents.get(clientId);
    if (kept === undefined || clock.monotonic() >= kept.freshUntil + longestStale) return fail(failure);
    return ok(kept.metadata);
  }

  return (clientId) => {
    const url = parseClientIdUrl(clientId, targets);
    if (url === undefined) return Promise.resolve(fail({ reason: 'client-id' }));
    if (hosts.size > 0 && !hosts.has(url.hostname)) return Promise.resolve(fail({ reason: 'host' }));
    const now = clock.monotonic();
    const kept = documents.get(clientId);
    if (kept !== undefined && now < kept.freshUntil) return Promise.resolve(ok(kept.metadata));
    const failed = failures.get(clientId);
    if (failed !== undefined && now < failed.until)
      return Promise.resolve(answerStale(clientId, failed.failure));
    let pending = running.get(clientId);
    if (pending === undefined) {
      pending = refresh(clientId).finally(() => running.delete(clientId));
      running.set(clientId, pending);
    }
    return pending;
  };
}

/** For operators and error pages: why a client's document does not count. Holds no text of the document or its host. */
export function describeClientMetadataFailure(failure: ClientMetadataFailure): string {
  switch (failure.reason) {
    case 'client-id':
      return 'the client_id is not the https URL of a metadata document';
    case 'host':
      return 'metadata documents are not taken from this host';
    case 'fetch':
      return `the metadata document cannot be fetched: ${describeFetchFailure(failure.failure)}`;
    case 'document':
      return failure.refusal;
  }
}
