import type { Exchange } from './facts.ts';

/** What was found on the way to a login. Documents are as they came, parsed; `undefined` where there is none. */
export interface OAuthFacts {
  /** `WWW-Authenticate` of the 401, split. */
  readonly challenge?: Challenge;
  /** Protected-resource metadata (RFC 9728): at the path-suffixed place, at the root, and where the challenge points. */
  readonly resource: {
    readonly suffixed: DocumentFact;
    readonly root: DocumentFact;
    readonly challenged?: DocumentFact;
  };
  /** One for each authorization server that the metadata names, at most three. */
  readonly servers: readonly ServerFact[];
}

export interface Challenge {
  readonly scheme: string;
  /** Names lower case. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly raw: string;
}

export interface DocumentFact {
  readonly exchange: Exchange;
  /** The JSON object in the answer's body. */
  readonly json?: Readonly<Record<string, unknown>>;
}

export interface ServerFact {
  readonly issuer: string;
  /** Metadata at the places of RFC 8414 and OpenID Connect Discovery, in the order in which clients ask. */
  readonly tried: readonly DocumentFact[];
  /** First of them that is a document. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly keys?: DocumentFact;
  /** GET of the authorization endpoint: a client of no one, with a redirect to a stranger. */
  readonly strangeRedirect?: Exchange;
  /** POST of the token endpoint with a made-up code. */
  readonly madeUpCode?: Exchange;
  /** Whether each known client's redirect was taken at registration; only where the user asked for it. */
  readonly registrations: readonly {
    readonly client: string;
    readonly redirect: string;
    readonly exchange: Exchange;
  }[];
}
