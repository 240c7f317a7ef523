import { fieldValue, type Fields } from '../http/exchange.ts';
import type { Deadlines } from '../http/deadlines.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Placed } from '../lib/swap-set.ts';
import { createEndpointRewriter } from '../mcp/endpoint-event.ts';
import { SESSION_ID_HEADER } from '../mcp/headers.ts';
import { ListEventStream } from '../mcp/list-event-stream.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import { DeferredAnswer, isDeferrable, openDeferredAnswer } from './deferred-answer.ts';
import { EventStream } from './event-stream.ts';
import type { Destination, Exchange } from './exchange.ts';
import { HeldList } from './held-list.ts';
import { buildFarewell, buildLastWords, isLongLived } from './last-words.ts';
import { CLIENT_GONE } from './outcome.ts';
import { sendReply } from './reply.ts';
import { toRelayedFields, type ResponsePolicy } from './response-fields.ts';
import { isUpstreamUrl, type RouteTable } from './routes.ts';
import type { SessionNames } from './session-names.ts';
import { serializeUpstreamRequest } from './upstream-request.ts';

/** What all relays of a gateway share. */
export interface RelayEnvironment {
  readonly routes: RouteTable;
  readonly policy: ResponsePolicy;
  readonly deadlines: Deadlines;
  readonly heartbeat: number;
  readonly random: () => number;
  readonly isDraining: () => boolean;
  readonly sessions: SessionNames;
  /** Called once, when both sides are done with the exchange. */
  readonly onSettled: (relay: Relay) => void;
}

/** An answer of which nothing was sent yet. */
interface HeldAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly list: HeldList;
}

type McpDestination = Extract<Destination, { kind: 'mcp' }>;

const MAX_REDIRECTS = 3;
const MAX_CONNECT_ATTEMPTS = 2;
/** Errors hold no lists, and some are plain text. */
const FIRST_ERROR_STATUS = 400;

/**
 * Carries one exchange to the upstream and its answer back, chunk by chunk. When either side goes, the
 * other learns it at once; a slow client pauses the upstream.
 */
export class Relay implements UpstreamListener, Placed {
  readonly kind = 'mcp';
  place = -1;
  readonly exchange: Exchange;
  readonly #environment: RelayEnvironment;
  readonly #destination: McpDestination;
  #connection: UpstreamConnection | undefined;
  #stream: EventStream | undefined;
  #target: string;
  #redirects = 0;
  #attempts = 0;
  #following: string | undefined;
  #held: HeldAnswer | undefined;
  #deferred: DeferredAnswer | undefined;
  #settled = false;
  #isLeaving = false;

  constructor(environment: RelayEnvironment, exchange: Exchange, destination: McpDestination) {
    this.#environment = environment;
    this.exchange = exchange;
    this.#destination = destination;
    this.#target = `${destination.upstreamPath}${exchange.upstreamQuery ?? exchange.request.query}`;
  }

  /** True for answers that have no natural end: GET streams and `subscriptions/listen`. */
  get longLived(): boolean {
    return this.#stream !== undefined && isLongLived(this.exchange);
  }

  start(): void {
    const { sink } = this.exchange;
    // A stage that waited may have outlived the client.
    if (sink.closed) {
      this.#onClientGone();
      return;
    }
    sink.onClose = () => this.#onClientGone();
    sink.onDrain = () => this.#connection?.resume();
    this.#dispatch();
  }

  /** Begins the answer as an event stream, because the upstream is silent for long; without effect where that cannot be. */
  defer(): void {
    const { exchange } = this;
    const { deadlines, policy } = this.#environment;
    if (this.#settled || !isDeferrable(exchange)) return;
    openDeferredAnswer(exchange, policy);
    this.#deferred = new DeferredAnswer(exchange);
    this.#stream = this.#openStream();
    this.#stream.sendComment(deadlines.now());
    this.#leaveIfDue();
  }

  /**
   * Ends a stream by the rule of its era (2026-07-28 Subscriptions, 2025-11-25 Resumability), at the end of the event under way; one
   * that is still to begin ends then.
   */
  leave(): void {
    this.#isLeaving = true;
    const { exchange } = this;
    const { random } = this.#environment;
    this.#stream?.leave(buildFarewell(exchange, random), () => {
      this.#connection?.abort();
      this.#settle();
    });
  }

  /** Gives the exchange up for good: the drain time is over. */
  giveUp(): void {
    if (this.#settled) return;
    const connection = this.#connection;
    this.onFailure('E_DRAINING', true);
    connection?.abort();
  }

  /** Ends the exchange because its caller may no longer be here: a key that was revoked, a token that is over. */
  turnOut(): void {
    if (this.#settled) return;
    const connection = this.#connection;
    this.onFailure('E_AUTH_INVALID', true);
    connection?.abort();
  }

  onHead(head: ResponseHead, isRepeat: boolean): void {
    const { exchange } = this;
    const { policy, sessions } = this.#environment;
    const { route } = this.#destination;
    this.#following = this.#redirectTarget(head);
    if (this.#following !== undefined) return;
    const { isEventStream } = head;
    exchange.outcome.upstreamStatus = head.status;
    if (this.#deferred !== undefined) {
      if (!this.#deferred.begin(head)) this.#refuse('E_UPSTREAM_NO_MESSAGE');
      return;
    }
    exchange.outcome.status = head.status;
    exchange.outcome.stream = isEventStream;
    const session = sessions.forAnswer(exchange, route, head);
    if (session.kind === 'too-long') {
      this.#refuse();
      return;
    }
    const length = head.framing.kind === 'length' ? head.framing.length : undefined;
    const fields = toRelayedFields(exchange, route, {
      fields: head.fields,
      policy,
      isEventStream,
      isRepeat,
      sessionId: session.kind === 'named' ? session.id : undefined,
    });
    if (isEventStream) this.#stream = this.#openStream();
    else if (
      exchange.listFilter !== undefined &&
      head.framing.kind !== 'none' &&
      head.status < FIRST_ERROR_STATUS
    ) {
      this.#held = { status: head.status, fields, list: new HeldList(exchange.listFilter) };
      return;
    }
    // A stream never gets a length: comments are added to it.
    exchange.sink.open(
      head.status,
      fields,
      isEventStream ? undefined : head.framing.kind === 'none' ? 0 : length,
    );
    this.#leaveIfDue();
  }

  onData(bytes: Buffer): void {
    if (this.#settled || this.#following !== undefined) return;
    if (this.#stream !== undefined) {
      if (this.#deferred === undefined) this.#stream.write(bytes);
      else this.#writeLate(this.#stream, this.#deferred.feed(bytes));
      return;
    }
    if (this.#held !== undefined) {
      if (!this.#held.list.add(bytes)) this.#refuse();
      return;
    }
    this.exchange.outcome.bytes += bytes.length;
    this.exchange.sink.write(bytes);
  }

  onFlush(): boolean {
    if (this.#settled || this.#following !== undefined || this.#held !== undefined) return true;
    return this.#stream === undefined ? this.exchange.sink.flush() : this.#stream.flush();
  }

  onEnd(): void {
    this.#connection = undefined;
    if (this.#settled) return;
    if (this.#following !== undefined) {
      this.#target = this.#following;
      this.#following = undefined;
      this.#dispatch();
      return;
    }
    if (this.#held !== undefined && !this.#sendHeld(this.#held)) return;
    if (this.#stream === undefined) this.exchange.sink.end();
    else if (this.#deferred === undefined || this.#writeLate(this.#stream, this.#deferred.finish()))
      this.#stream.end();
    this.#settle();
  }

  onFailure(code: ErrorCode, delivered: boolean): void {
    this.#connection = undefined;
    if (this.#settled) return;
    const { exchange } = this;
    const { policy } = this.#environment;
    // Nothing reached the upstream, so trying again cannot execute anything twice.
    if (!delivered && code === 'E_UPSTREAM_UNREACHABLE' && this.#attempts < MAX_CONNECT_ATTEMPTS) {
      this.#dispatch();
      return;
    }
    exchange.outcome.code = code;
    if (this.#stream !== undefined) {
      this.#stream.breakOff(buildLastWords(exchange, { code, resumable: this.#stream.resumable }));
    } else if (exchange.sink.headSent) exchange.sink.abort();
    else sendReply(exchange, { kind: 'error', code }, policy);
    this.#settle();
  }

  /** Sends what may be seen of a held answer; false when that cannot be told. */
  #sendHeld({ status, fields, list }: HeldAnswer): boolean {
    const body = list.finish();
    if (body === undefined) {
      this.#refuse();
      return false;
    }
    const { sink, outcome } = this.exchange;
    outcome.bytes += body.length;
    sink.open(status, fields, body.length);
    sink.write(body);
    return true;
  }

  /** Writes what a late answer has become; false when it cannot be told, or must not. */
  #writeLate(stream: EventStream, bytes: Buffer | undefined): boolean {
    if (bytes === undefined) this.#refuse('E_UPSTREAM_NO_MESSAGE');
    else stream.write(bytes);
    return !this.#settled;
  }

  #leaveIfDue(): void {
    if ((this.#isLeaving || this.#environment.isDraining()) && this.longLived) this.leave();
  }

  /** Breaks off an answer that must not go on. */
  #refuse(code: ErrorCode = 'E_UPSTREAM_BAD_RESPONSE'): void {
    const connection = this.#connection;
    this.onFailure(code, true);
    connection?.abort();
  }

  #dispatch(): void {
    const { exchange } = this;
    this.#attempts++;
    const connection = this.#destination.route.pool.acquire();
    this.#connection = connection;
    const request = serializeUpstreamRequest(exchange, this.#destination.route, this.#target);
    connection.send(request, exchange.request.method, this);
  }

  #openStream(): EventStream {
    const { exchange } = this;
    const { deadlines, heartbeat } = this.#environment;
    // Only the 2024-11-05 transport announces an endpoint, on a GET without a session.
    const announces =
      exchange.request.method === 'GET' &&
      fieldValue(exchange.request.fields, SESSION_ID_HEADER) === undefined;
    return new EventStream({
      sink: exchange.sink,
      deadlines,
      heartbeat,
      endpoint: announces ? createEndpointRewriter((uri) => this.#announce(uri)) : undefined,
      filter: exchange.listFilter === undefined ? undefined : new ListEventStream(exchange.listFilter),
      onRefused: () => this.#refuse(),
      onSent: (bytes) => {
        exchange.outcome.bytes += bytes;
      },
    });
  }

  /** The URI for clients of a message endpoint that the upstream announced; `undefined` leaves the upstream's. */
  #announce(uri: string): string | undefined {
    const { exchange } = this;
    const { routes, sessions } = this.#environment;
    const { route } = this.#destination;
    const endpoint = routes.announce({ route, uri, publicAuthority: exchange.request.authority });
    if (endpoint === undefined) return undefined;
    const { path, upstreamPath, query } = endpoint;
    const ownQuery = sessions.forEndpoint(exchange, route, { path: upstreamPath, query });
    return ownQuery === undefined ? undefined : `${path}${ownQuery}`;
  }

  /** The new target of a 307 or 308 within the upstream, which is followed here: clients lose the body or the login on it. */
  #redirectTarget(head: ResponseHead): string | undefined {
    if ((head.status !== 307 && head.status !== 308) || this.#redirects >= MAX_REDIRECTS) return undefined;
    const location = fieldValue(head.fields, 'location');
    if (location === undefined) return undefined;
    const { upstreamOrigin } = this.#destination.route;
    const url = URL.parse(location, `${upstreamOrigin}${this.#target}`);
    if (url === null || !this.#isUpstream(url)) return undefined;
    this.#redirects++;
    return `${url.pathname}${url.search}`;
  }

  /** Servers build absolute redirects from their own authority or from the forwarded one. */
  #isUpstream(url: URL): boolean {
    const { exchange } = this;
    return isUpstreamUrl(this.#destination.route, url) || url.host === exchange.request.authority;
  }

  #onClientGone(): void {
    if (this.#settled) return;
    this.#stream?.stop();
    this.#connection?.abort();
    if (this.exchange.outcome.status === 0) this.exchange.outcome.status = CLIENT_GONE;
    this.#settle();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stream?.stop();
    this.#environment.onSettled(this);
  }
}
