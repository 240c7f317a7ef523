import { fieldValue } from '../../http/exchange.ts';
import type { Deadlines } from '../../http/deadlines.ts';
import { isGatewayError } from '../../lib/gateway-error.ts';
import type { Clock, Timer } from '../../lib/clock.ts';
import { PROTOCOL_VERSION_HEADER } from '../../mcp/headers.ts';
import type { Config } from '../../config/config.ts';
import type { Log } from '../../observe/log.ts';
import type { SessionSeal } from '../../sessions/seal.ts';
import { SessionNotes, toNoteKey, type NoteNews } from '../../sessions/session-notes.ts';
import { LiveSessions } from '../../sessions/live-sessions.ts';
import type { Store } from '../../state/store/store.ts';
import type { UpstreamConnection } from '../../upstream/connection.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Route } from '../routes.ts';
import type { SessionLoss } from '../session-loss.ts';
import type { SessionPlace } from '../session-names.ts';
import { awaitSession } from './abandoned-initialize.ts';
import { endSession } from './end-session.ts';
import { readCredentials, toLivePlace, type LivePlace } from './live-place.ts';
import { toNoteEvent } from './note-event.ts';
import { toLiveKey } from './open-session.ts';
import { SessionEnder } from './session-ender.ts';
import { SessionReviver, type LostSession, type Revival, type RevivalEvent } from './session-reviver.ts';
import { SessionUses } from './session-uses.ts';

/** What sessions are kept by, under one configuration. */
export interface SessionServing {
  readonly config: Pick<Config, 'sessions'>;
  readonly seal: SessionSeal | undefined;
  /** Where replicas share what is remembered; `undefined` where there are none. */
  readonly store: Store | undefined;
  readonly log: Log;
  readonly findRoute: (id: string) => Route | undefined;
}

/** What the workers of a gateway tell each other. */
export type SessionNews =
  | { readonly kind: 'note'; readonly news: NoteNews }
  | { readonly kind: 'used'; readonly keys: readonly string[] }
  | { readonly kind: 'gone'; readonly keys: readonly string[] };

export interface SessionKeeperOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly serving: () => SessionServing;
  readonly share: (news: SessionNews) => void;
}

/** Figures for `breakwater status`. */
export interface SessionFigures {
  /** Sessions that are held just now. */
  readonly live: number;
  /** Since the start: sessions that began again, and that were ended because nobody used them. */
  readonly revived: number;
  readonly ended: number;
}

interface HasExchange {
  readonly exchange: Exchange;
}

const SWEEP_MILLISECONDS = 10_000;
/** Connections that wait in the place of clients that have gone, at a time. */
const MOST_ADOPTED = 256;

/** Keeps the legacy sessions of a process: which are in use, which have begun again, and which nobody will come back to. */
export class SessionKeeper {
  readonly #options: SessionKeeperOptions;
  readonly #notes: SessionNotes;
  readonly #live: LiveSessions<LivePlace>;
  readonly #ender: SessionEnder<readonly [string, LivePlace]>;
  readonly #reviver: SessionReviver;
  readonly #uses: SessionUses;
  #adopted = 0;
  #timer: Timer | undefined;
  #revived = 0;
  #sweptAt = 0;

  constructor(options: SessionKeeperOptions) {
    const { clock, deadlines, serving, share } = options;
    this.#options = options;
    const store = (): Store | undefined => serving().store;
    const onProblem = (error: unknown): void => this.#onProblem(error);
    this.#notes = new SessionNotes({
      clock,
      limit: () => serving().config.sessions.noted,
      store,
      share: (news) => share({ kind: 'note', news }),
      onProblem,
    });
    this.#live = new LiveSessions({
      clock,
      limit: () => serving().config.sessions.live,
      idleTimeout: () => serving().config.sessions.idleTimeout,
      onOrphan: (key, place) => this.#ender.add([key, place]),
    });
    this.#uses = new SessionUses({
      clock,
      store,
      lifetime: () => serving().config.sessions.idleTimeout,
      onProblem,
    });
    this.#ender = new SessionEnder({
      limit: () => serving().config.sessions.live,
      end: ([key, place]) => this.#end(key, place),
    });
    this.#reviver = new SessionReviver({
      deadlines,
      notes: this.#notes,
      seal: () => serving().seal,
      onEvent: (event) => this.#tell(event),
      onSurplus: (exchange, session) => this.#ender.add([session.liveKey, toLivePlace(exchange, session)]),
    });
  }

  get figures(): SessionFigures {
    return { live: this.#live.size, revived: this.#revived, ended: this.#ender.ended };
  }

  /** Whether a new session would find no room. */
  get isFull(): boolean {
    return this.isActive && this.#live.isFull;
  }

  get isActive(): boolean {
    const { config, seal } = this.#options.serving();
    return config.sessions.revival && seal !== undefined;
  }

  /** The sealed id of the session that one goes on as; `undefined` for all that never began again. */
  successorOf(sealed: string): string | undefined {
    return this.#notes.successorOf(sealed);
  }

  /** A server has begun a session for the client of a request; false when there is no room for it. */
  begin(exchange: Exchange, place: SessionPlace, sessionId: string): boolean {
    if (!this.isActive) return true;
    this.#watch();
    const session = toNewSession(place, sessionId);
    const where = toLivePlace(exchange, session);
    if (this.#live.begin(session.liveKey, where)) return true;
    this.#ender.add([session.liveKey, where]);
    return false;
  }

  /** A session that a server has begun will not be used: its client has gone, or there is no room for it. */
  abandon(exchange: Exchange, place: SessionPlace, sessionId: string): void {
    if (!this.isActive) return;
    const session = toNewSession(place, sessionId);
    this.#live.forget(session.liveKey);
    this.#ender.add([session.liveKey, toLivePlace(exchange, session)]);
  }

  /** A request or stream of a session goes to its server; returns whether `leave` has to follow. */
  enter(exchange: Exchange, session: OpenSession): boolean {
    if (!this.isActive) return false;
    this.#watch();
    const place = this.#live.enter(session.liveKey, () => toLivePlace(exchange, session));
    // An event id of the session before would be unknown, or another event's.
    exchange.dropsEventId = session.isSuccessor && place?.hasEventIds !== true;
    if (place === undefined) return false;
    if (!exchange.request.isRepeat) {
      place.principal = exchange.principal;
      place.credentials = readCredentials(exchange);
      place.protocolVersion ??= fieldValue(exchange.request.fields, PROTOCOL_VERSION_HEADER);
    }
    return true;
  }

  leave(session: OpenSession, options: { readonly sawEventId: boolean }): void {
    const place = this.#live.leave(session.liveKey);
    if (place !== undefined && options.sawEventId) place.hasEventIds = true;
  }

  /** Remembers what a request has changed that its server took. */
  onTaken(exchange: Exchange, session: OpenSession): void {
    const { envelope, request } = exchange;
    if (!this.isActive) return;
    if (request.method === 'DELETE') {
      this.#live.forget(session.liveKey);
      this.#notes.note(toNoteKey(session.sealed), { kind: 'ended' });
      return;
    }
    if (envelope?.kind !== 'request') return;
    const event = toNoteEvent(envelope, request.body);
    if (event !== undefined) this.#notes.note(toNoteKey(session.sealed), event);
  }

  /** The session that a lost one goes on as; `undefined` when it does not. Never rejects. */
  async revive(lost: LostSession, loss: SessionLoss): Promise<Revival> {
    // A server that cannot be reached may come back with the session, which is ended then.
    if (loss !== 'unreachable') this.#live.forget(lost.session.liveKey);
    try {
      return await this.#reviver.revive(lost);
    } catch (error) {
      this.#options.serving().log.error({ err: error }, 'a session could not begin again');
      return undefined;
    }
  }

  /**
   * Waits in the place of a client that has gone for the answer to its `initialize`, to end the session that is in it; false where there is
   * nothing to wait for. The slot that the request has at its server is given back when the wait is over.
   */
  adopt(connection: UpstreamConnection, { exchange, route, server }: SessionPlace & HasExchange): boolean {
    const { envelope, outcome } = exchange;
    const isInitialize = envelope?.kind === 'request' && envelope.method === 'initialize';
    if (!isInitialize || outcome.upstreamStatus !== undefined || !this.isActive) return false;
    if (this.#adopted >= MOST_ADOPTED) return false;
    this.#adopted++;
    awaitSession({
      connection,
      deadlines: this.#options.deadlines,
      onEnd: (sessionId) => {
        this.#adopted--;
        server.standing.work.leave();
        if (sessionId !== undefined) this.abandon(exchange, { route, server }, sessionId);
      },
    });
    return true;
  }

  hear(news: SessionNews): void {
    switch (news.kind) {
      case 'note':
        this.#notes.hear(news.news);
        return;
      case 'used':
        this.#live.hearUsed(news.keys);
        return;
      case 'gone':
        for (const key of news.keys) this.#live.forget(key);
    }
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #watch(): void {
    if (this.#timer !== undefined) return;
    const { clock } = this.#options;
    this.#sweptAt = clock.monotonic();
    this.#timer = clock.setInterval(() => this.#sweep(), SWEEP_MILLISECONDS);
  }

  #sweep(): void {
    const { clock, share } = this.#options;
    const used = [...this.#live.usedSince(this.#sweptAt)];
    this.#sweptAt = clock.monotonic();
    if (used.length > 0) {
      share({ kind: 'used', keys: used });
      this.#uses.touch(used);
    }
    this.#live.sweep();
    if (this.#live.size === 0) this.close();
  }

  async #end(key: string, place: LivePlace): Promise<boolean> {
    const { deadlines, serving, share } = this.#options;
    if (await this.#uses.isUsedElsewhere(key)) return false;
    const route = serving().findRoute(place.route);
    return (
      route !== undefined &&
      endSession({ place, route, deadlines, onSet: () => share({ kind: 'gone', keys: [key] }) })
    );
  }

  #tell(event: RevivalEvent): void {
    const { log } = this.#options.serving();
    if (event.kind === 'revived') {
      this.#revived++;
      const { route, server } = event;
      log.info({ route, server }, 'a session that its MCP server had lost began again');
    } else {
      const { route, reason } = event;
      log.warn({ route, reason }, 'a session that its MCP server had lost did not begin again');
    }
  }

  #onProblem(error: unknown): void {
    // That the store is away is told by whoever is connected to it, once.
    if (isGatewayError(error) && error.code === 'E_STATE_UNREACHABLE') return;
    this.#options.serving().log.error({ err: error }, 'what is remembered of sessions could not be shared');
  }
}

/** A session that a server has begun, as far as it is known before its client has named it. */
function toNewSession(
  { route, server }: SessionPlace,
  id: string,
): Pick<OpenSession, 'liveKey' | 'serverKey' | 'id'> {
  return { liveKey: toLiveKey(route.id, server.key, id), serverKey: server.key, id };
}
