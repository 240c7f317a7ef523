import type { Clock, Timer } from '../lib/clock.ts';
import type { SwapSet } from '../lib/swap-set.ts';
import { isCurrent } from './access/route-access.ts';
import type { Destination, Exchange } from './exchange.ts';
import { isLongLived } from './last-words.ts';
import type { LoginRelay } from './login-relay.ts';
import type { Relay } from './relay.ts';
import { buildChallengeReply, toErrorReply, type ErrorReply, type Reply } from './reply.ts';
import type { Serving } from './serving.ts';

export interface CallerWatchOptions {
  readonly clock: Clock;
  readonly relays: SwapSet<Relay | LoginRelay>;
  readonly serving: () => Serving;
}

const LOOK_MILLISECONDS = 1000;
const ASKED_PER_TURN = 100;
/** As long an issuer that is away may leave it open whether somebody can stay (see `src/auth/resource/token-status.ts`). */
const LONGEST_OUTAGE = 60_000;

type McpDestination = Extract<Destination, { kind: 'mcp' }>;

/**
 * Ends what a caller has open once they may no longer come in: a key was revoked, a token is over, another configuration keeps them
 * out. Most callers never end, so nothing is asked for each of them; one look a second goes over all that is open.
 */
export class CallerWatch {
  readonly #options: CallerWatchOptions;
  readonly #timer: Timer;
  /** Those of whom nobody could say whether they may stay, and since when. */
  readonly #open = new Map<Relay, number>();

  constructor(options: CallerWatchOptions) {
    this.#options = options;
    this.#timer = options.clock.setInterval(() => this.#look(), LOOK_MILLISECONDS);
  }

  /** The configuration has changed: asks of everything that is open what would be asked if it came now. */
  lookAgain(before: Serving): void {
    const { relays, serving } = this.#options;
    const isSame = serving().access === before.access;
    const waiting = relays.snapshot();
    let at = 0;
    const askSome = (): void => {
      for (const end = at + ASKED_PER_TURN; at < Math.min(end, waiting.length); at++) {
        const relay = waiting[at];
        if (relay?.kind === 'mcp' && relays.has(relay)) this.#review(relay, isSame);
      }
      // Ten thousand signatures at once would hold up every call.
      if (at < waiting.length) setImmediate(askSome);
    };
    askSome();
  }

  #review(relay: Relay, isSameAccess: boolean): void {
    const destination = this.#options.serving().routes.find(relay.exchange.request);
    if (destination.kind === 'mcp') {
      if (!isSameAccess) this.#ask(relay, destination);
    } else if (isLongLived(relay.exchange)) relay.leave();
  }

  close(): void {
    this.#timer.cancel();
  }

  #look(): void {
    const { relays, serving, clock } = this.#options;
    const now = clock.monotonic();
    for (const [relay, since] of this.#open) {
      const destination = serving().routes.find(relay.exchange.request);
      if (!relays.has(relay) || destination.kind !== 'mcp') this.#open.delete(relay);
      else if (now - since < LONGEST_OUTAGE) this.#ask(relay, destination);
      else this.#revoke(relay, unavailable);
    }
    if (![...serving().access.routes.values()].some(({ check }) => check?.keys ?? check?.tokens)) return;
    for (const relay of relays.snapshot())
      if (relay.kind === 'mcp' && isOver(relay)) this.#revoke(relay, buildEnd(relay.exchange));
  }

  #ask(relay: Relay, destination: McpDestination): void {
    const asked: Exchange = {
      ...relay.exchange,
      destination,
      principal: undefined,
      token: undefined,
      listFilter: undefined,
    };
    const answer = this.#options.serving().readmit(asked);
    if (answer instanceof Promise)
      void answer.then(
        (reply) => this.#settle(relay, asked, reply),
        () => this.#settle(relay, asked, unavailable),
      );
    else this.#settle(relay, asked, answer);
  }

  #settle(relay: Relay, asked: Exchange, reply: Reply | undefined): void {
    const { relays, clock } = this.#options;
    if (!relays.has(relay)) return;
    const { exchange } = relay;
    if (reply?.kind === 'error' && reply.code === unavailable.code) {
      if (!this.#open.has(relay)) this.#open.set(relay, clock.monotonic());
      return;
    }
    const isOther = asked.principal !== undefined && asked.principal.id !== exchange.principal?.id;
    if (reply !== undefined || (isOther && exchange.principal !== undefined)) {
      this.#revoke(relay, reply?.kind === 'error' ? reply : buildEnd(asked));
      return;
    }
    this.#open.delete(relay);
    exchange.principal = asked.principal;
    exchange.destination = asked.destination;
    // What a stream may show of lists was settled when it began.
    const isFiltered = exchange.listFilter !== undefined || asked.listFilter !== undefined;
    if (isFiltered && isLongLived(exchange)) relay.leave();
  }

  #revoke(relay: Relay, reply: ErrorReply): void {
    this.#open.delete(relay);
    relay.revoke(reply);
  }
}

const unavailable = toErrorReply('E_AUTH_UNAVAILABLE');

/** What somebody is told whose key or token has come to its end: what they would be told with the next request. */
function buildEnd({ destination, principal }: Exchange): ErrorReply {
  const check = destination.kind === 'mcp' ? destination.route.access.check : undefined;
  if (check === undefined) return toErrorReply('E_AUTH_INVALID');
  const refusal = principal?.method === 'token' ? 'inactive' : 'key';
  return buildChallengeReply('E_AUTH_INVALID', check.challenger.invalid(refusal));
}

function isOver({ exchange: { destination, principal } }: Relay): boolean {
  if (destination.kind !== 'mcp' || principal === undefined) return false;
  const { check } = destination.route.access;
  return check !== undefined && !isCurrent(check, principal);
}
