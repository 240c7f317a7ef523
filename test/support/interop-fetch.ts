import { Agent, fetch as undiciFetch } from 'undici';
import type { ConnectTarget } from './interop-client.ts';

export interface TrustingFetch {
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  close(): Promise<void>;
}

/** A `fetch` that trusts the gateway's authority and speaks the HTTP version under test. */
export function createTrustingFetch(target: Pick<ConnectTarget, 'ca' | 'protocol'>): TrustingFetch {
  const allowH2 = target.protocol === 'h2';
  const dispatcher = new Agent({ allowH2, connect: { ca: target.ca } });
  return {
    // The package's fetch is the one Node has built in; only the declarations of the two differ.
    fetch: (url, init) =>
      undiciFetch(url, { ...init, dispatcher } as Parameters<
        typeof undiciFetch
      >[1]) as unknown as Promise<Response>,
    close: () => dispatcher.destroy(),
  };
}
