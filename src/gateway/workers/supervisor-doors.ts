import type { Socket } from 'node:net';
import type { Acceptor } from '../../http/acceptor.ts';
import type { DoorPlace, Doors } from '../listening/doors.ts';
import type { ForDoors, FromWorker } from './messages.ts';

type Opened = Extract<ForDoors, { readonly kind: 'opened' }>;

/** The doors of a worker, whose listening sockets its supervisor has. */
export class SupervisorDoors implements Doors {
  readonly #tell: (message: FromWorker) => void;
  readonly #takes = new Map<number, (socket: Socket) => void>();
  readonly #asked = new Map<number, (answer: Opened) => void>();
  #count = 0;

  constructor(tell: (message: FromWorker) => void) {
    this.#tell = tell;
  }

  async open(place: DoorPlace, take: (socket: Socket) => void): Promise<Acceptor> {
    const number = ++this.#count;
    const { promise, resolve } = Promise.withResolvers<Opened>();
    this.#asked.set(number, resolve);
    // A connection may come with the answer.
    this.#takes.set(number, take);
    this.#tell({ kind: 'open', number, place });
    const { result } = await promise;
    if (!result.ok) {
      this.#takes.delete(number);
      const { message, ...facts } = result.error;
      throw Object.assign(new Error(message), facts);
    }
    return { address: result.value, close: () => this.#tell({ kind: 'close', number }) };
  }

  /** What the supervisor says of a door, with the connection that it gives. */
  hear(message: ForDoors, socket: Socket | undefined): void {
    const { number } = message;
    switch (message.kind) {
      case 'opened':
        this.#asked.get(number)?.(message);
        this.#asked.delete(number);
        return;
      case 'connection':
        if (socket !== undefined) this.#takes.get(number)?.(socket);
        this.#tell({ kind: 'taken', connection: message.connection });
        return;
      case 'closed':
        this.#takes.delete(number);
    }
  }
}
