import type { ErrorCode } from '../lib/error-codes.ts';

/** How an exchange ended, for the record. */
export interface Outcome {
  status: number;
  /** Bytes of body sent to the client. */
  bytes: number;
  upstreamStatus: number | undefined;
  /** The server that was asked last, where the route has several. */
  upstream: string | undefined;
  code: ErrorCode | undefined;
  /** Set when the answer was an event stream. */
  stream: boolean;
  /** Set when the answer began before the upstream's did. */
  deferred: boolean;
}

/** The status that access logs use for a client that left before the answer. */
export const CLIENT_GONE = 499;
