import type { Principal } from '../auth/principal.ts';
import type { IncomingRequest, ResponseSink } from '../http/exchange.ts';
import type { Client } from '../http/forwarded.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Classification } from '../mcp/classify.ts';
import type { Envelope } from '../mcp/envelope.ts';
import type { Route } from './routes.ts';

/** What a request asks for, decided once by the route stage. */
export type Destination =
  | {
      readonly kind: 'mcp';
      readonly route: Route;
      readonly upstreamPath: string;
      readonly transport: 'streamable-http' | 'http-sse';
    }
  | { readonly kind: 'health' }
  | { readonly kind: 'readiness' }
  | { readonly kind: 'unknown' };

/** How an exchange ended, for the record. */
export interface Outcome {
  status: number;
  /** Bytes of body sent to the client. */
  bytes: number;
  upstreamStatus: number | undefined;
  code: ErrorCode | undefined;
  /** Set when the answer was an event stream. */
  stream: boolean;
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
  /** Gives back what the limits counted; called once the exchange is over. */
  leave: (() => void) | undefined;
  envelope: Envelope | undefined;
  /** Raw id of a message that was refused, as far as it was unambiguous. */
  refusedId: string | undefined;
  classification: Classification | undefined;
}

/** The raw JSON text of the request's id, or `null` where there is none to echo. */
export function requestId(exchange: Exchange): string {
  if (exchange.envelope?.kind === 'request') return exchange.envelope.id;
  return exchange.refusedId ?? 'null';
}
