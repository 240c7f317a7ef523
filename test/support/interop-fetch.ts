import { Agent, fetch as undiciFetch, type RequestInit as UndiciRequestInit } from 'undici';
import type { ConnectTarget } from './interop-client.ts';

export interface TrustingFetch {
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** A `fetch` that trusts the gateway's authority and speaks the HTTP version under test. */
export function createTrustingFetch(
  target: Pick<ConnectTarget, 'ca' | 'protocol' | 'requestsPerConnection'>,
): TrustingFetch {
  const allowH2 = target.protocol === 'h2';
  const dispatcher = new Agent({
    allowH2,
    connect: { ca: target.ca },
    ...(target.requestsPerConnection === undefined
      ? {}
      : { maxRequestsPerClient: target.requestsPerConnection }),
  });
  return {
    // The declarations of Node allow `undefined` for what those of the package leave out.
    fetch: (url, init) => undiciFetch(url, { ...(init as UndiciRequestInit | undefined), dispatcher }),
    close: () => dispatcher.destroy(),
  };
}
