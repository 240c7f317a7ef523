import type { Principal } from '../auth/principal.ts';
import type { IncomingRequest, ResponseSink } from '../http/exchange.ts';
import type { Client } from '../http/forwarded.ts';
import type { Classification } from '../mcp/classify.ts';
import type { Envelope } from '../mcp/envelope.ts';
import type { ListFilter } from '../mcp/list-filter.ts';
import type { Outcome } from './outcome.ts';
import type { Route } from './routes.ts';

/** What a request asks for, decided once by the route stage. */
export type Destination =
  | {
      readonly kind: 'mcp';
      readonly route: Route;
      /** Of an announced message endpoint; `undefined` for the MCP endpoint of whichever server gets the request. */
      readonly upstreamPath: string | undefined;
      readonly transport: 'streamable-http' | 'http-sse';
    }
  | { readonly kind: 'health' }
  | { readonly kind: 'readiness' }
  /** What a protected resource says of itself: a whole JSON document. */
  | { readonly kind: 'resource-metadata'; readonly document: string }
  /** The built-in authorization server. */
  | { readonly kind: 'login' }
  | { readonly kind: 'unknown' };

export type McpDestination = Extract<Destination, { readonly kind: 'mcp' }>;

/** A legacy session under its two names; see `src/sessions/seal.ts`. */
export interface OpenSession {
  /** As the client knows it. */
  readonly sealed: string;
  /** As the upstream does. */
  readonly id: string;
  /** The server that it lives on. */
  readonly serverKey: string;
  /** What it can begin again with: `params` of the client's `initialize`, as JSON; `undefined` where that is not known. */
  readonly initializeParams: string | undefined;
  /** Whether it came in the place of the one that is in the client's id, which its server had lost. */
  readonly isSuccessor: boolean;
  /** Names it among the sessions of all servers. */
  readonly liveKey: string;
}

/** Credentials for the upstream: the same object as long as they are the same. */
export interface OutboundFieldSet {
  /** Names, in lower case, of which a client's own fields must not go on. */
  readonly names: readonly string[];
  /** Name, value, name, value. */
  readonly fields: readonly string[];
}

/** All facts about one request; stages fill it in order and nothing else carries them. */
export interface Exchange {
  readonly request: IncomingRequest;
  readonly sink: ResponseSink;
  /** Milliseconds of the monotonic clock. */
  readonly startedAt: number;
  readonly client: Client;
  readonly outcome: Outcome;
  destination: Destination;
  /** The browser origin that was allowed, to be repeated in the CORS fields of the answer. */
  origin: string | undefined;
  principal: Principal | undefined;
  /** The token that the principal came with; kept only where it is to be exchanged for another one. */
  token: string | undefined;
  /** Gives back what the limits counted; called once the exchange is over. */
  leave: (() => void) | undefined;
  envelope: Envelope | undefined;
  /** Raw id of a message that was refused, as far as it was unambiguous. */
  refusedId: string | undefined;
  classification: Classification | undefined;
  /** Which entries of lists the caller may see; `undefined` where answers hold none, or all may be seen. */
  listFilter: ListFilter | undefined;
  /** `undefined` where the request names no session, or the route does not bind them. */
  session: OpenSession | undefined;
  /** Whether the client's Last-Event-ID is of a session before this one, and means nothing to the server. */
  dropsEventId: boolean;
  /** The server that the request is bound to, by its key; `undefined` where any of the route's servers will do. */
  serverKey: string | undefined;
  /** Path and query for the upstream where they do not follow from the request: those of an opened message endpoint. */
  upstreamTarget: string | undefined;
  outbound: OutboundFieldSet | undefined;
}

/** The raw JSON text of the request's id, or `null` where there is none to echo. */
export function requestId(exchange: Exchange): string {
  if (exchange.envelope?.kind === 'request') return exchange.envelope.id;
  return exchange.refusedId ?? 'null';
}
