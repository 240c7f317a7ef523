import type { Deadlines } from '../../http/deadlines.ts';
import { fieldValue } from '../../http/exchange.ts';
import { buildForwardedFields } from '../../http/forwarded.ts';
import { PROTOCOL_VERSION_HEADER } from '../../mcp/headers.ts';
import {
  beginAgain,
  type BeginResult,
  type SendToServer,
  type WantedSession,
} from '../../sessions/begin-again.ts';
import type { SessionHolder, SessionSeal } from '../../sessions/seal.ts';
import { toNoteKey, type SessionNotes } from '../../sessions/session-notes.ts';
import { SharedWork } from '../../sessions/shared-work.ts';
import type { UpstreamServer } from '../../upstream/server.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Route } from '../routes.ts';
import { openSession, toHolder } from './open-session.ts';
import { serializeOwnRequest } from './own-head.ts';
import { sendOwnRequest } from './own-request.ts';

/** What became of an attempt, for the log. */
export type RevivalEvent =
  | { readonly kind: 'revived'; readonly route: string; readonly server: string }
  | { readonly kind: 'failed'; readonly route: string; readonly reason: string };

export interface SessionReviverOptions {
  readonly deadlines: Deadlines;
  readonly notes: SessionNotes;
  readonly seal: () => SessionSeal | undefined;
  readonly onEvent: (event: RevivalEvent) => void;
  /** Another process had been faster: this session, made here, is of no use. */
  readonly onSurplus: (exchange: Exchange, session: OpenSession) => void;
}

/** What a lost session goes on as; `ended`: it does not, because its client had ended it. */
export type Revival = OpenSession | 'ended' | undefined;

export interface LostSession {
  readonly exchange: Exchange;
  readonly route: Route;
  /** As the request named it. */
  readonly session: OpenSession;
  /** Servers that cannot be reached. */
  readonly tried: ReadonlySet<UpstreamServer> | undefined;
}

/** How long all that is sent for one session may take, in milliseconds, waiting for a turn included. */
const REVIVAL_MILLISECONDS = 10_000;
/** How long one answer may. */
const ANSWER_MILLISECONDS = 5000;
/** Sessions that begin again at a time: a server that has just come up is not to be overrun. */
const AT_A_TIME = 32;
const MOST_WAITING = 10_000;
const MOST_SERVERS = 2;

/**
 * Begins lost sessions again: each once in a process, however many of its requests fail at the same time. Of several processes one is
 * followed, see `SessionNotes.revived`; the sessions of the others are surplus.
 */
export class SessionReviver {
  readonly #options: SessionReviverOptions;
  readonly #work = new SharedWork<OpenSession | 'ended'>({ most: AT_A_TIME, mostWaiting: MOST_WAITING });

  constructor(options: SessionReviverOptions) {
    this.#options = options;
  }

  /** The session that the request's session goes on as; `undefined` when it does not go on. Never rejects. */
  revive(lost: LostSession): Promise<Revival> {
    const { deadlines } = this.#options;
    const until = deadlines.now() + REVIVAL_MILLISECONDS;
    return this.#work.do(toNoteKey(lost.session.sealed), async () => {
      if (deadlines.now() >= until) return this.#fail(lost, 'no time');
      return this.#revive(lost, until);
    });
  }

  async #revive(lost: LostSession, until: number): Promise<Revival> {
    const { notes } = this.#options;
    const { exchange, session, route } = lost;
    const key = toNoteKey(session.sealed);
    const note = await notes.look(key);
    if (note.ended) return 'ended';
    const holder = toHolder(exchange, route);
    const known = note.successor === undefined ? undefined : this.#open(lost, note.successor, holder);
    // Somebody else has met the same loss before.
    if (known !== undefined && known.liveKey !== session.liveKey) return known;
    const { initializeParams } = session;
    if (initializeParams === undefined) return this.#fail(lost, 'what it began with was too long to be kept');
    const protocolVersion =
      fieldValue(exchange.request.fields, PROTOCOL_VERSION_HEADER) ?? readOffer(initializeParams);
    const { level, subscriptions } = note;
    const begun = await this.#begin(lost, { initializeParams, protocolVersion, level, subscriptions }, until);
    if (begun.kind === 'failed') return this.#fail(lost, begun.reason);
    const { server, sessionId } = begun;
    const successor = this.#options
      .seal()
      ?.seal({ ...holder, upstream: server.key, sessionId, initializeParams });
    const own = successor === undefined ? undefined : this.#open(lost, successor, holder);
    if (successor === undefined || own === undefined) return this.#fail(lost, 'its new id is too long');
    const generation = note.generation + 1;
    const newest = await notes.revived(key, { kind: 'revived', generation, successor });
    this.#options.onEvent({ kind: 'revived', route: route.id, server: server.name });
    if (newest.successor === successor || newest.successor === undefined) return own;
    const other = this.#open(lost, newest.successor, holder);
    if (other === undefined) return own;
    this.#options.onSurplus(exchange, own);
    return other;
  }

  /** At a server that takes new work, and if that does not answer, at another. */
  async #begin(
    { exchange, route, tried }: LostSession,
    wanted: WantedSession,
    until: number,
  ): Promise<
    | { readonly kind: 'begun'; readonly server: UpstreamServer; readonly sessionId: string }
    | Extract<BeginResult, { kind: 'failed' }>
  > {
    const failed = new Set(tried);
    let result: BeginResult = { kind: 'failed', mayRetry: false, reason: 'no answer' };
    for (let attempt = 0; attempt < MOST_SERVERS; attempt++) {
      const server = route.servers.pick(failed);
      if (server === undefined) break;
      result = await beginAgain(wanted, this.#sendTo(server, exchange, route, until));
      if (result.kind === 'begun') return { ...result, server };
      if (!result.mayRetry) break;
      failed.add(server);
    }
    return result;
  }

  #sendTo(server: UpstreamServer, exchange: Exchange, route: Route, until: number): SendToServer {
    const { deadlines } = this.#options;
    const { request, client, outbound } = exchange;
    return (own) => {
      const now = deadlines.now();
      if (now >= until) return Promise.resolve(undefined);
      return sendOwnRequest({
        connection: server.pool.acquire(),
        deadlines,
        deadline: Math.min(until, now + ANSWER_MILLISECONDS),
        method: own.method,
        message: serializeOwnRequest({
          server,
          request: own,
          fields: request.fields,
          dropsCredentials: route.access.check !== undefined,
          outbound,
          forwarded: buildForwardedFields(request, client),
        }),
        isEnough: own.isEnough,
      });
    };
  }

  #open({ session, route }: LostSession, text: string, holder: SessionHolder): OpenSession | undefined {
    const seal = this.#options.seal();
    return seal && openSession(seal, { sealed: session.sealed, text, holder, servers: route.servers });
  }

  #fail({ route }: LostSession, reason: string): undefined {
    this.#options.onEvent({ kind: 'failed', route: route.id, reason });
  }
}

/** The revision that a client without the header has asked for; those before 2025-06-18 had none. */
function readOffer(initializeParams: string): string {
  const { protocolVersion } = JSON.parse(initializeParams) as { readonly protocolVersion?: unknown };
  return typeof protocolVersion === 'string' ? protocolVersion : '';
}
