import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { ListenAddress } from '../../config/config.ts';
import type { Acceptor } from '../../http/acceptor.ts';
import { isSameAddress, type DoorPlace, type Doors } from './doors.ts';
import type { HandedSocket } from './handed-sockets.ts';

/** Whoever serves connections of a door. */
export interface DoorMember {
  /** Whether it is another process, which a connection can be sent to only before anything is read from it. */
  readonly isElsewhere: boolean;
  /** Takes a connection; false when it is no longer there. `giveBack` has another one take it, from which nothing was read. */
  take(socket: Socket, giveBack: (socket: Socket) => void): boolean;
}

/** What a member has of a door. */
export interface Membership extends Acceptor {
  /** It gets no more connections, and the door stays open, also behind the last one. */
  leave(): void;
}

/** Connections that wait while nobody is there to serve them; beyond that they are closed. */
const MOST_WAITING = 1024;
const BACKLOG = 4096;

/**
 * The listening sockets of this process. Several may serve one: connections go to them in turn, and to other processes alone as soon as
 * there are any, so that a process that gets workers passes on what comes without letting go of its addresses.
 */
export class BoundDoors implements Doors {
  readonly #handed: readonly HandedSocket[];
  readonly #bound = new Map<string, Promise<BoundDoor>>();

  /** `handed`: sockets that are open already; the doors on their addresses use them. */
  constructor(handed: readonly HandedSocket[] = []) {
    this.#handed = handed;
  }

  open(place: DoorPlace, take: (socket: Socket) => void): Promise<Acceptor> {
    return this.join(place, {
      isElsewhere: false,
      take(socket) {
        take(socket);
        return true;
      },
    });
  }

  /** Serves a door with those that serve it already; binds it when there are none. */
  async join(place: DoorPlace, member: DoorMember): Promise<Membership> {
    const { door, address } = place;
    const key = `${door} ${address.host} ${address.port}`;
    const opening = this.#bound.get(key) ?? this.#bind(address);
    this.#bound.set(key, opening);
    const bound = await opening.catch((error: unknown) => {
      if (this.#bound.get(key) === opening) this.#bound.delete(key);
      throw error;
    });
    // It was pruned in the same moment.
    if (this.#bound.get(key) !== opening) return this.join(place, member);
    bound.add(member);
    return {
      address: bound.address,
      leave: () => bound.remove(member),
      close: () => {
        bound.remove(member);
        if (bound.isUnserved && this.#bound.get(key) === opening) {
          this.#bound.delete(key);
          bound.close();
        }
      },
    };
  }

  /** Closes the doors that nobody serves any more. */
  async prune(): Promise<void> {
    for (const [key, opening] of Array.from(this.#bound)) {
      const bound = await opening.catch(() => undefined);
      if (bound?.isUnserved !== true) continue;
      this.#bound.delete(key);
      bound.close();
    }
  }

  /** Closes all doors. */
  close(): void {
    for (const opening of this.#bound.values())
      void opening.then(
        (bound) => bound.close(),
        () => undefined,
      );
    this.#bound.clear();
  }

  async #bind(address: ListenAddress): Promise<BoundDoor> {
    const fd = this.#handed.find((socket) => isSameAddress(socket.address, address))?.fd;
    const door = new BoundDoor();
    await door.listen(fd === undefined ? address : { fd });
    return door;
  }
}

class BoundDoor {
  readonly #server: Server;
  #members: DoorMember[] = [];
  readonly #waiting: Socket[] = [];

  constructor() {
    this.#server = createServer({ pauseOnConnect: false }, this.#give);
  }

  get address(): { readonly host: string; readonly port: number } {
    // `address()` is a string only for Unix sockets, which no door binds.
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  get isUnserved(): boolean {
    return this.#members.length === 0;
  }

  listen(on: ListenAddress | { readonly fd: number }): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#server.once('error', reject);
    this.#server.listen({ ...on, backlog: BACKLOG }, () => {
      this.#server.removeListener('error', reject);
      // A connection that cannot be accepted, for want of descriptors or because it is gone, is none of the others' business.
      this.#server.on('error', () => undefined);
      resolve(undefined);
    });
    return promise;
  }

  add(member: DoorMember): void {
    this.#members.push(member);
    this.#pauseAsNeeded();
    for (const socket of this.#waiting.splice(0)) this.#give(socket);
  }

  remove(member: DoorMember): void {
    this.#members = this.#members.filter((each) => each !== member);
    this.#pauseAsNeeded();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }

  readonly #give = (socket: Socket): void => {
    const others = this.#members.filter(({ isElsewhere }) => isElsewhere);
    for (const member of others.length > 0 ? others : this.#members) {
      if (!member.take(socket, this.#give)) continue;
      // In turn: who had one stands at the end.
      this.#members = [...this.#members.filter((each) => each !== member), member];
      return;
    }
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(socket);
    else socket.destroy();
  };

  /** Node takes the option from the property with each connection. */
  #pauseAsNeeded(): void {
    const isServedHere = this.#members.length > 0 && this.#members.every(({ isElsewhere }) => !isElsewhere);
    Object.assign(this.#server, { pauseOnConnect: !isServedHere });
  }
}
