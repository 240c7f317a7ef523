import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { readFinalAnswers } from '../../support/answers.ts';

/** Where a client connects to. */
export interface Party {
  readonly port: number;
  /** PEM of the authority to trust. */
  readonly ca: string;
}

/** What became of one connection. */
export interface Outcome {
  /** Latin1. */
  readonly received: string;
  /** Milliseconds from the first byte sent until the last awaited answer, or until the other side closed. */
  readonly duration: number;
  readonly end: 'answered' | 'closed by the other side' | 'timed out';
}

export interface ExchangeOptions {
  /** Latin1, sent in one write. */
  readonly bytes: string;
  /** Final answers after which the client closes; `closed` waits for the other side to do so. */
  readonly until: number | 'closed';
  /** Milliseconds. */
  readonly patience: number;
}

/** Opens one TLS connection after the other to a party, with session resumption, as one client machine would. */
export class Exchanger {
  readonly #party: Party;
  readonly #context: SecureContext;
  #session: Buffer | undefined;

  constructor(party: Party) {
    this.#party = party;
    this.#context = createSecureContext({ ca: party.ca });
  }

  /** Sends the bytes over a connection of their own; resolves once it is closed. */
  run({ bytes, until, patience }: ExchangeOptions): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: '127.0.0.1',
        port: this.#party.port,
        secureContext: this.#context,
        servername: 'localhost',
        ALPNProtocols: ['http/1.1'],
        ...(this.#session === undefined ? {} : { session: this.#session }),
      });
      let received = '';
      let startedAt = Number.NaN;
      let duration = Number.NaN;
      let end: Outcome['end'] = 'closed by the other side';
      const finish = (how: Outcome['end']): void => {
        if (!Number.isNaN(duration)) return;
        end = how;
        duration = performance.now() - startedAt;
      };
      const timer = setTimeout(() => {
        finish('timed out');
        socket.destroy();
      }, patience);
      const checkAnswers = (): void => {
        if (
          until === 'closed' ||
          readFinalAnswers(received).filter(({ complete }) => complete).length < until
        )
          return;
        finish('answered');
        // Our end goes out behind all bytes: once the other side has closed too, it has dealt with each of them.
        socket.end();
      };
      socket.on('secureConnect', () => {
        startedAt = performance.now();
        socket.write(Buffer.from(bytes, 'latin1'));
        checkAnswers();
      });
      socket.on('session', (session) => (this.#session = session));
      socket.on('data', (piece: Buffer) => {
        received += piece.toString('latin1');
        checkAnswers();
      });
      socket.on('end', () => finish('closed by the other side'));
      socket.on('error', (error) => {
        if (Number.isNaN(startedAt)) reject(error);
      });
      socket.on('close', () => {
        clearTimeout(timer);
        finish('closed by the other side');
        resolve({ received, duration, end });
      });
    });
  }
}
