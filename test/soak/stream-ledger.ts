import { createHash } from 'node:crypto';

const COMMENT = ': keepalive\n\n';

/**
 * What arrived on one event stream: a digest of all bytes but the gateway's comments, and the silence
 * before each arrival. A comment counts as one only between events; inside an event it spoils the digest.
 */
export class StreamLedger {
  comments = 0;
  events = 0;
  /** Milliseconds between two arrivals, those inside an event left out: there no comment may come. */
  silences: number[] = [];
  readonly #hash = createHash('sha256');
  #pending = '';
  #lastArrival: number;

  constructor(openedAt: number) {
    this.#lastArrival = openedAt;
  }

  receive(text: string, now: number): void {
    if (this.#pending === '') this.silences.push(now - this.#lastArrival);
    this.#lastArrival = now;
    this.#pending += text;
    for (let end = this.#pending.indexOf('\n\n'); end >= 0; end = this.#pending.indexOf('\n\n')) {
      const block = this.#pending.slice(0, end + 2);
      this.#pending = this.#pending.slice(end + 2);
      if (block === COMMENT) {
        this.comments++;
        continue;
      }
      this.events++;
      this.#hash.update(block);
    }
  }

  /** Counts comments and silences from now on; the digest goes on from the first byte. */
  startTiming(): void {
    this.comments = 0;
    this.silences = [];
  }

  /** SHA-256 of everything relayed so far, in hex; the ledger takes nothing more. */
  digest(): string {
    return this.#hash.update(this.#pending).digest('hex');
  }
}
