/** One request to the stub, as it came over a socket or was built in memory. Field names in lower case. */
export interface StubRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface StubResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a URL of the stub stands for. */
export type Endpoint =
  | 'directory'
  | 'newNonce'
  | 'newAccount'
  | 'account'
  | 'newOrder'
  | 'order'
  | 'finalize'
  | 'authorization'
  | 'challenge'
  | 'certificate'
  | 'renewalInfo';

/** The resource a request is for. */
export interface Target {
  readonly endpoint: Endpoint;
  /** The segments after the endpoint's own. */
  readonly ids: readonly string[];
}

export const endpointPaths: { readonly [endpoint in Endpoint]: string } = {
  directory: 'directory',
  newNonce: 'fresh-nonce',
  newAccount: 'open-account',
  account: 'accounts',
  newOrder: 'place-order',
  order: 'orders',
  finalize: 'finalise',
  authorization: 'authorisations',
  challenge: 'proofs',
  certificate: 'chains',
  renewalInfo: 'renewal',
};

/** How many segments may follow. */
const idCounts: { readonly [endpoint in Endpoint]: readonly number[] } = {
  directory: [0],
  newNonce: [0],
  newAccount: [0],
  account: [1],
  newOrder: [0],
  order: [1],
  finalize: [1],
  authorization: [1],
  challenge: [2],
  certificate: [1, 2],
  renewalInfo: [1],
};

const endpoints = new Map<string, Endpoint>(
  // `Object.entries` widens the keys.
  Object.entries(endpointPaths).map(([endpoint, path]) => [path, endpoint as Endpoint]),
);

/** The resource behind a URL below `origin`; `undefined` when there is none. */
export function parseTarget(url: string, origin: string): Target | undefined {
  if (!url.startsWith(`${origin}/`)) return undefined;
  const [path = '', ...ids] = url.slice(origin.length + 1).split('/');
  const endpoint = endpoints.get(path);
  if (endpoint === undefined || !idCounts[endpoint].includes(ids.length)) return undefined;
  return { endpoint, ids };
}

/** The fields of a JSON object; `undefined` for anything else. */
export function toRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // A JSON object has string keys and nothing else is known of it.
  return value as Record<string, unknown>;
}

/** A JSON object from text; `undefined` when it is not one. */
export function parseRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return toRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function toJsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): StubResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}
