import type { Deadlines, Expiring } from '../../http/deadlines.ts';
import { fieldValue } from '../../http/exchange.ts';
import type { ResponseHead } from '../../http/response-head.ts';
import { SESSION_ID_HEADER } from '../../mcp/headers.ts';
import type { UpstreamConnection, UpstreamListener } from '../../upstream/connection.ts';

/** How long a server may take to answer an `initialize` whose client has gone, in milliseconds. */
const PATIENCE_MILLISECONDS = 30_000;

export interface AbandonedInitializeOptions {
  readonly connection: UpstreamConnection;
  readonly deadlines: Deadlines;
  /** Called once: with the session that the server has begun, or `undefined` where it has not, or does not say in time. */
  readonly onEnd: (sessionId: string | undefined) => void;
}

/** Waits in the place of a client that has gone for the answer to its `initialize`, for the sake of the session in it. */
export function awaitSession(options: AbandonedInitializeOptions): void {
  const heir = new AbandonedInitialize(options);
  options.deadlines.add(heir);
  options.connection.handOver(heir);
}

class AbandonedInitialize implements UpstreamListener, Expiring {
  place = -1;
  deadline: number;
  readonly #options: AbandonedInitializeOptions;

  constructor(options: AbandonedInitializeOptions) {
    this.#options = options;
    this.deadline = options.deadlines.now() + PATIENCE_MILLISECONDS;
  }

  onHead(head: ResponseHead): void {
    this.#end(fieldValue(head.fields, SESSION_ID_HEADER));
  }

  onData(): void {
    // Nothing comes after the head: the connection is given up there.
  }

  onFlush(): boolean {
    return true;
  }

  onEnd(): void {
    this.#end(undefined);
  }

  onFailure(): void {
    this.#end(undefined);
  }

  expire(): void {
    this.#end(undefined);
  }

  #end(sessionId: string | undefined): void {
    const { deadlines, connection, onEnd } = this.#options;
    deadlines.delete(this);
    connection.abort();
    onEnd(sessionId);
  }
}
