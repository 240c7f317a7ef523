import type { ErrorCode } from '../../lib/error-codes.ts';
import { fieldValue } from '../../http/exchange.ts';
import type { ResponseHead } from '../../http/response-head.ts';
import { isLostSession, maxLostBody, mayBeLostSession } from '../../mcp/lost-session.ts';
import type { UpstreamListener } from '../../upstream/connection.ts';
import type { UpstreamServer } from '../../upstream/server.ts';
import type { Exchange, OpenSession } from '../exchange.ts';
import type { Route } from '../routes.ts';
import type { SessionLoss } from '../session-loss.ts';
import type { SessionKeeper } from './session-keeper.ts';
import type { LostSession } from './session-reviver.ts';

/** Who carries the request. */
export interface Carrier extends UpstreamListener {
  readonly exchange: Exchange;
  readonly route: Route;
  /** The exchange has ended. */
  readonly isSettled: boolean;
  /** Lets go of the server: nothing is under way there. */
  releaseServer(): void;
  /** Sends the request once more, to where the exchange says now. */
  dispatchAgain(): void;
  /** Ends the exchange with an error of ours. */
  fail(code: ErrorCode): void;
}

/** An answer that may say that the session is lost. */
interface HeldAnswer {
  readonly head: ResponseHead;
  readonly isRepeat: boolean;
  readonly pieces: Buffer[];
  length: number;
}

/** A session may be lost again while a request waits for it: a second server goes down. */
const MAX_REVIVALS = 2;

/**
 * One request of a session on its way: it counts as a use of it, and stands between the connection and the carrier to look out for the answer
 * that the session is lost. That answer alone says that nothing was executed, so that the request may be sent again; after a connection that
 * broke it may not.
 */
export class SessionVisit implements UpstreamListener {
  readonly #keeper: SessionKeeper;
  readonly #carrier: Carrier;
  #session: OpenSession;
  #isCounted = false;
  #revivals = 0;
  #held: HeldAnswer | undefined;

  constructor(keeper: SessionKeeper, carrier: Carrier, session: OpenSession) {
    this.#keeper = keeper;
    this.#carrier = carrier;
    this.#session = session;
    this.#enter();
  }

  onHead(head: ResponseHead, isRepeat: boolean): void {
    const { status } = head;
    const { exchange } = this.#carrier;
    const isChallenge = fieldValue(head.fields, 'www-authenticate') !== undefined;
    if (mayBeLostSession(status, isChallenge) && !head.isEventStream && this.#canRevive) {
      this.#held = { head, isRepeat, pieces: [], length: 0 };
      return;
    }
    const isTaken = status < 300 || (status === 404 && exchange.request.method === 'DELETE');
    if (isTaken) this.#keeper.onTaken(exchange, this.#session);
    this.#carrier.onHead(head, isRepeat);
  }

  onData(bytes: Buffer): void {
    const held = this.#held;
    if (held === undefined) {
      this.#carrier.onData(bytes);
      return;
    }
    held.pieces.push(Buffer.from(bytes));
    held.length += bytes.length;
    // Nobody says so little at such length.
    if (held.length > maxLostBody) this.#release(held);
  }

  onFlush(): boolean {
    return this.#held === undefined ? this.#carrier.onFlush() : true;
  }

  onEnd(): void {
    const held = this.#held;
    if (held === undefined) {
      this.#carrier.onEnd();
      return;
    }
    const { status } = held.head;
    if (isLostSession({ status, body: Buffer.concat(held.pieces).toString() })) {
      this.#revive('forgotten', undefined, (isEnded) => {
        // Clients begin anew on a 404, and on nothing else.
        if (status === 404 || isEnded) this.#pass(held);
        else this.#carrier.fail('E_SESSION_UNKNOWN');
      });
    } else this.#pass(held);
  }

  onFailure(code: ErrorCode, delivered: boolean): void {
    this.#held = undefined;
    this.#carrier.onFailure(code, delivered);
  }

  /** The server is of no use to the session; true when the session goes on elsewhere, or the exchange fails with the code. */
  lose(loss: SessionLoss, code: ErrorCode, tried?: ReadonlySet<UpstreamServer>): boolean {
    if (!this.#canRevive) return false;
    this.#revive(loss, tried, () => this.#carrier.fail(code));
    return true;
  }

  /** The exchange is over. */
  leave(options: { readonly sawEventId: boolean }): void {
    if (!this.#isCounted) return;
    this.#isCounted = false;
    this.#keeper.leave(this.#session, options);
  }

  get #canRevive(): boolean {
    const isWanted = this.#carrier.exchange.request.method !== 'DELETE';
    return isWanted && this.#session.initializeParams !== undefined && this.#revivals < MAX_REVIVALS;
  }

  #revive(
    loss: SessionLoss,
    tried: ReadonlySet<UpstreamServer> | undefined,
    giveUp: (isEnded: boolean) => void,
  ): void {
    const carrier = this.#carrier;
    const { exchange, route } = carrier;
    this.#held = undefined;
    this.#revivals++;
    carrier.releaseServer();
    this.leave({ sawEventId: false });
    void this.#goOn({ exchange, route, session: this.#session, tried }, loss, giveUp);
  }

  /** Never rejects. */
  async #goOn(lost: LostSession, loss: SessionLoss, giveUp: (isEnded: boolean) => void): Promise<void> {
    const session = await this.#keeper.revive(lost, loss);
    if (this.#carrier.isSettled) return;
    if (session === undefined || session === 'ended') {
      giveUp(session === 'ended');
      return;
    }
    this.#session = session;
    lost.exchange.session = session;
    lost.exchange.serverKey = session.serverKey;
    this.#enter();
    this.#carrier.dispatchAgain();
  }

  #enter(): void {
    this.#isCounted = this.#keeper.enter(this.#carrier.exchange, this.#session);
  }

  #release({ head, isRepeat, pieces }: HeldAnswer): void {
    this.#held = undefined;
    this.#carrier.onHead(head, isRepeat);
    this.#carrier.onData(Buffer.concat(pieces));
  }

  /** Gives the carrier the whole answer. */
  #pass(held: HeldAnswer): void {
    this.#release(held);
    this.#carrier.onFlush();
    this.#carrier.onEnd();
  }
}
