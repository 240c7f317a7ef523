import { fieldValue, type Fields } from '../http/exchange.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Placed } from '../lib/swap-set.ts';
import { createEndpointRewriter } from '../mcp/endpoint-event.ts';
import { SESSION_ID_HEADER } from '../mcp/headers.ts';
import { ListEventStream } from '../mcp/list-event-stream.ts';
import type { UpstreamConnection } from '../upstream/connection.ts';
import type { QueuedRequest, Waiting } from '../upstream/limits/connection-limit.ts';
import { findRedirect, MAX_REDIRECTS } from '../upstream/redirect.ts';
import type { UpstreamServer } from '../upstream/server.ts';
import { announceEndpoint } from './announce-endpoint.ts';
import { DeferredAnswer, isDeferrable, openDeferredAnswer } from './deferred-answer.ts';
import { EventStream } from './event-stream.ts';
import type { Exchange, McpDestination } from './exchange.ts';
import { HeldList } from './held-list.ts';
import { buildFarewell, buildLastWords, isLongLived } from './last-words.ts';
import { CLIENT_GONE } from './outcome.ts';
import { sendReply, toErrorReply, type ErrorReply } from './reply.ts';
import type { RelayEnvironment } from './relay-environment.ts';
import { toRelayedFields } from './response-fields.ts';
import type { Route } from './routes.ts';
import { toFailureSign, toStatusSign } from './server-signs.ts';
import type { SessionPlace } from './session-names.ts';
import { SessionVisit, type Carrier } from './sessions/session-visit.ts';
import { serializeUpstreamRequest } from './upstream-request.ts';

/** An answer of which nothing was sent yet. */
interface HeldAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly list: HeldList;
}

const MAX_CONNECT_ATTEMPTS = 2;
/** Errors hold no lists, and some are plain text. */
const FIRST_ERROR_STATUS = 400;

/**
 * Carries one exchange to the upstream and its answer back, chunk by chunk. When either side goes, the
 * other learns it at once; a slow client pauses the upstream.
 */
export class Relay implements Carrier, QueuedRequest, SessionPlace, Placed {
  readonly kind = 'mcp';
  place = -1;
  readonly exchange: Exchange;
  readonly route: Route;
  /** The one that the request goes to, from `start` on. */
  server: UpstreamServer;
  readonly #environment: RelayEnvironment;
  readonly #destination: McpDestination;
  #connection: UpstreamConnection | undefined;
  #stream: EventStream | undefined;
  /** Whether the server counts this request among those that it has under way. */
  #isEntered = false;
  #waiting: Waiting | undefined;
  /** Servers that could not be reached; `undefined` for none. */
  #tried: Set<UpstreamServer> | undefined;
  #target = '';
  #redirects = 0;
  #attempts = 0;
  #following: string | undefined;
  #held: HeldAnswer | undefined;
  #deferred: DeferredAnswer | undefined;
  /** `undefined` where the exchange has no session that is kept. */
  #visit: SessionVisit | undefined;
  #settled = false;
  #isLeaving = false;

  constructor(environment: RelayEnvironment, exchange: Exchange, destination: McpDestination) {
    this.#environment = environment;
    this.exchange = exchange;
    this.route = destination.route;
    this.server = destination.route.servers.first;
    this.#destination = destination;
  }

  get isSettled(): boolean {
    return this.#settled;
  }

  /** True for answers that have no natural end: GET streams and `subscriptions/listen`. */
  get longLived(): boolean {
    return this.#stream !== undefined && isLongLived(this.exchange);
  }

  start(): void {
    const { sink, session } = this.exchange;
    const { keeper } = this.#environment;
    // A stage that waited may have outlived the client.
    if (sink.closed) {
      this.#onClientGone();
      return;
    }
    sink.onClose = () => this.#onClientGone();
    sink.onDrain = () => this.#connection?.resume();
    if (session !== undefined && keeper.isActive) this.#visit = new SessionVisit(keeper, this, session);
    this.#selectServer();
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
    this.#refuse(toErrorReply('E_DRAINING'));
  }

  /** Ends the exchange because its caller may no longer be here, with what they would be told now. */
  revoke(reply: ErrorReply): void {
    this.#refuse(reply);
  }

  onSlot(): void {
    this.#waiting = undefined;
    this.#isEntered = true;
    this.#dispatch();
  }

  onQueueTimeout(): void {
    this.#waiting = undefined;
    this.fail('E_UPSTREAM_BUSY');
  }

  onHead(head: ResponseHead, isRepeat: boolean): void {
    const { exchange, route } = this;
    const { policy, sessions } = this.#environment;
    if (route.servers.isShared) route.servers.note(this.server, toStatusSign(head));
    this.#following = this.#redirectTarget(head);
    if (this.#following !== undefined) return;
    const { isEventStream } = head;
    exchange.outcome.upstreamStatus = head.status;
    if (this.#deferred !== undefined) {
      if (!this.#deferred.begin(head)) this.#refuse(toErrorReply('E_UPSTREAM_NO_MESSAGE'));
      return;
    }
    exchange.outcome.status = head.status;
    exchange.outcome.stream = isEventStream;
    const session = sessions.forAnswer(exchange, this, head);
    if (session.kind === 'refused') {
      this.#refuse(toErrorReply(session.code));
      return;
    }
    const length = head.framing.kind === 'length' ? head.framing.length : undefined;
    const fields = toRelayedFields(exchange, this, {
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
    const sign = toFailureSign(code);
    if (sign !== undefined) this.route.servers.note(this.server, sign);
    if (!delivered && this.#tryAgain(code)) return;
    this.fail(code);
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
    if (bytes === undefined) this.#refuse(toErrorReply('E_UPSTREAM_NO_MESSAGE'));
    else stream.write(bytes);
    return !this.#settled;
  }

  #leaveIfDue(): void {
    if ((this.#isLeaving || this.#environment.isDraining()) && this.longLived) this.leave();
  }

  /** Breaks off an answer that must not go on. */
  #refuse(reply: ErrorReply = toErrorReply('E_UPSTREAM_BAD_RESPONSE')): void {
    this.#connection?.abort();
    this.#connection = undefined;
    this.#end(reply);
  }

  fail(code: ErrorCode): void {
    this.#end(toErrorReply(code));
  }

  /** Ends the exchange with an error of ours, said in the way that is still open. */
  #end(reply: ErrorReply): void {
    if (this.#settled) return;
    const { exchange } = this;
    const { code } = reply;
    exchange.outcome.code = code;
    if (this.#stream !== undefined) {
      this.#stream.breakOff(buildLastWords(exchange, { code, resumable: this.#stream.resumable }));
    } else if (exchange.sink.headSent) exchange.sink.abort();
    else sendReply(exchange, reply, this.#environment.policy);
    this.#settle();
  }

  /** Tries another server, or the same one again where the request is bound to it. Nothing was delivered, so nothing is executed twice. */
  #tryAgain(code: ErrorCode): boolean {
    const { exchange, route } = this;
    const isBound = exchange.serverKey !== undefined || this.#redirects > 0;
    if (!isBound) {
      this.#tried ??= new Set();
      this.#tried.add(this.server);
      const other = route.servers.pick(this.#tried);
      if (other !== undefined) {
        this.releaseServer();
        this.#enter(other);
        return true;
      }
    }
    if (code === 'E_UPSTREAM_UNREACHABLE' && this.#attempts < MAX_CONNECT_ATTEMPTS) {
      this.#dispatch();
      return true;
    }
    return route.servers.isShared && this.#visit?.lose('unreachable', code, new Set([this.server])) === true;
  }

  dispatchAgain(): void {
    this.#attempts = 0;
    this.#selectServer();
  }

  #selectServer(): void {
    const { serverKey } = this.exchange;
    const { servers } = this.route;
    const server = serverKey === undefined ? servers.pick() : servers.find(serverKey);
    if (server !== undefined) this.#enter(server);
    else if (this.#visit?.lose('removed', 'E_SESSION_UNKNOWN') !== true) this.fail('E_SESSION_UNKNOWN');
  }

  /** Sends the request to a server, as soon as that has a connection for it. */
  #enter(server: UpstreamServer): void {
    const { upstreamTarget, request } = this.exchange;
    this.server = server;
    if (this.route.servers.isShared) this.exchange.outcome.upstream = server.name;
    this.#target = upstreamTarget ?? `${this.#destination.upstreamPath ?? server.path}${request.query}`;
    const entry = server.standing.work.enter(server.limits, this);
    if (entry === 'entered') this.onSlot();
    else if (entry === 'full') this.fail('E_UPSTREAM_BUSY');
    else this.#waiting = entry;
  }

  releaseServer(): void {
    this.#connection = undefined;
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.server.standing.work.leave();
  }

  #dispatch(): void {
    const { exchange } = this;
    this.#attempts++;
    const connection = this.server.pool.acquire();
    this.#connection = connection;
    const request = serializeUpstreamRequest(exchange, this, this.#target);
    connection.send(request, exchange.request.method, this.#visit ?? this);
  }

  #openStream(): EventStream {
    const { exchange } = this;
    const { deadlines, heartbeat } = this.#environment;
    const announce = (uri: string): string | undefined =>
      announceEndpoint(this.#environment, exchange, { route: this.route, server: this.server, uri });
    // Only the 2024-11-05 transport announces an endpoint, on a GET without a session.
    const announces =
      exchange.request.method === 'GET' &&
      fieldValue(exchange.request.fields, SESSION_ID_HEADER) === undefined;
    return new EventStream({
      sink: exchange.sink,
      deadlines,
      heartbeat,
      endpoint: announces ? createEndpointRewriter(announce) : undefined,
      filter: exchange.listFilter === undefined ? undefined : new ListEventStream(exchange.listFilter),
      onRefused: () => this.#refuse(),
      onSent: (bytes) => {
        exchange.outcome.bytes += bytes;
      },
    });
  }

  #redirectTarget(head: ResponseHead): string | undefined {
    if (this.#redirects >= MAX_REDIRECTS) return undefined;
    const publicAuthority = this.exchange.request.authority;
    const context = { origin: this.server.origin, target: this.#target, publicAuthority };
    const target = findRedirect(head, context);
    if (target !== undefined) this.#redirects++;
    return target;
  }

  #onClientGone(): void {
    if (this.#settled) return;
    this.#stream?.stop();
    const connection = this.#connection;
    // Who waits in the place of the client has its slot at the server, too.
    if (connection !== undefined && this.#environment.keeper.adopt(connection, this)) this.#isEntered = false;
    else connection?.abort();
    if (this.exchange.outcome.status === 0) this.exchange.outcome.status = CLIENT_GONE;
    this.#settle();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stream?.stop();
    this.#visit?.leave({ sawEventId: this.#stream?.resumable === true });
    this.#waiting?.leave();
    this.releaseServer();
    this.#environment.onSettled(this);
  }
}
