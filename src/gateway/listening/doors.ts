import type { Socket } from 'node:net';
import type { ListenAddress } from '../../config/config.ts';
import type { Acceptor } from '../../http/acceptor.ts';

/** What an address is for. */
export type Door = 'secure' | 'plain' | 'authz';

/** An address, and what for: the port may be 0 for several doors. */
export interface DoorPlace {
  readonly door: Door;
  readonly address: ListenAddress;
}

/** Where the listening sockets of a gateway come from: of its own process, or of its supervisor. */
export interface Doors {
  open(place: DoorPlace, take: (socket: Socket) => void): Promise<Acceptor>;
}

export function isSameAddress(left: ListenAddress | undefined, right: ListenAddress): boolean {
  return left?.host === right.host && left.port === right.port;
}
