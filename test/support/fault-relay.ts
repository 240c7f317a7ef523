import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** What a network does to the bytes of one direction. Whatever is absent is not done. */
export interface Faults {
  /** Milliseconds each piece is late, and how much that varies to both sides. Order is kept, as TCP keeps it. */
  readonly delay?: number;
  readonly jitter?: number;
  readonly bytesPerSecond?: number;
  /** Nothing gets through and nothing is taken from the sender, as behind a forgotten NAT entry. */
  readonly blackHole?: boolean;
  /** One bit of each piece is turned over. */
  readonly flipBits?: boolean;
  /** Both connections are cut once this many bytes of a connection have passed. */
  readonly cutAfter?: number;
  /** How they are cut; `reset` when absent. */
  readonly cutBy?: 'reset' | 'end';
}

export type Direction = 'toTarget' | 'toClient';

/** A TCP relay between two ends, with the faults of a network; they can change while connections run. */
export interface FaultRelay extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections it has cut because of `cutAfter`. */
  readonly cuts: number;
  /** From now on, for all connections, the running ones too. */
  set(direction: Direction, faults: Faults): void;
  /** Ends all connections towards both ends at once. */
  cut(by: 'reset' | 'end'): void;
  /** Ends the half of each connection that leads to the client or the target, and leaves the other open. */
  halfClose(direction: Direction): void;
}

export interface FaultRelayOptions {
  readonly targetPort: number;
  /** 127.0.0.1 when absent. */
  readonly targetHost?: string;
  /** Numbers from 0 up to 1; Math.random when absent. */
  readonly random?: () => number;
}

interface Pair {
  readonly client: Socket;
  readonly target: Socket;
}

/** Bytes of one direction that the relay holds back before it stops reading, like a socket buffer. */
const HELD_BYTES = 64 * 1024;

export async function startFaultRelay(options: FaultRelayOptions): Promise<FaultRelay> {
  const { targetPort, targetHost = '127.0.0.1', random = Math.random } = options;
  const faults: Record<Direction, Faults> = { toTarget: {}, toClient: {} };
  const pairs = new Set<Pair>();
  const lanes = new Set<Lane>();
  let cuts = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const target = connect({ port: targetPort, host: targetHost, noDelay: true, allowHalfOpen: true });
    const pair = { client, target };
    pairs.add(pair);
    const cut = (by: 'reset' | 'end'): void => {
      cuts++;
      cutPair(pair, by);
    };
    const both = [
      createLane({ from: client, to: target, read: () => faults.toTarget, random, cut }),
      createLane({ from: target, to: client, read: () => faults.toClient, random, cut }),
    ];
    for (const lane of both) lanes.add(lane);
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      socket.on('error', () => socket.destroy());
      socket.on('close', (failed) => {
        // A reset of one end is a reset for the other.
        if (failed && !other.destroyed) other.resetAndDestroy();
        if (client.destroyed && target.destroyed) {
          pairs.delete(pair);
          for (const lane of both) lanes.delete(lane);
        }
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    // `address()` is a string only for Unix sockets.
    port: (server.address() as AddressInfo).port,
    get open() {
      return pairs.size;
    },
    get cuts() {
      return cuts;
    },
    set(direction, wanted) {
      faults[direction] = wanted;
      for (const lane of lanes) lane.wake();
    },
    cut(by) {
      for (const pair of pairs) cutPair(pair, by);
    },
    halfClose(direction) {
      for (const { client, target } of pairs) (direction === 'toTarget' ? target : client).end();
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) cutPair(pair, 'reset');
      server.close();
      await once(server, 'close');
    },
  };
}

function cutPair({ client, target }: Pair, by: 'reset' | 'end'): void {
  for (const socket of [client, target]) {
    if (by === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  }
}

/** One direction of one connection. */
interface Lane {
  /** The faults have changed. */
  wake(): void;
}

interface LaneOptions {
  readonly from: Socket;
  readonly to: Socket;
  readonly read: () => Faults;
  readonly random: () => number;
  readonly cut: (by: 'reset' | 'end') => void;
}

function createLane({ from, to, read, random, cut }: LaneOptions): Lane {
  const held: { readonly bytes: Buffer; readonly due: number }[] = [];
  let heldBytes = 0;
  let passed = 0;
  let lastDue = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;

  const regulate = (): void => {
    const full = heldBytes > HELD_BYTES || to.writableNeedDrain || read().blackHole === true;
    if (full && !from.isPaused()) from.pause();
    if (!full && from.isPaused()) from.resume();
  };
  const pass = (): void => {
    timer = undefined;
    while (read().blackHole !== true) {
      const first = held[0];
      if (first === undefined) break;
      const wait = first.due - performance.now();
      if (wait > 0) {
        timer = setTimeout(pass, wait);
        break;
      }
      held.shift();
      heldBytes -= first.bytes.length;
      to.write(first.bytes);
    }
    if (ended && held.length === 0 && read().blackHole !== true) to.end();
    regulate();
  };
  from.on('data', (piece: Buffer) => {
    const { delay = 0, jitter = 0, bytesPerSecond, flipBits, cutAfter, cutBy = 'reset' } = read();
    const rest = cutAfter === undefined ? piece.length : Math.max(0, cutAfter - passed);
    const bytes = flipBits === true ? flipBit(piece, random) : piece.subarray(0, rest);
    passed += piece.length;
    const late = delay + jitter * (2 * random() - 1);
    const took = bytesPerSecond === undefined ? 0 : (1000 * bytes.length) / bytesPerSecond;
    lastDue = Math.max(lastDue, performance.now() + late) + took;
    held.push({ bytes, due: lastDue });
    heldBytes += bytes.length;
    if (timer === undefined) pass();
    if (cutAfter !== undefined && passed >= cutAfter) cut(cutBy);
  });
  from.on('end', () => {
    ended = true;
    if (timer === undefined) pass();
  });
  from.on('close', () => clearTimeout(timer));
  to.on('drain', regulate);
  return {
    wake: () => {
      if (timer === undefined) pass();
    },
  };
}

function flipBit(piece: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(piece);
  const at = Math.floor(random() * copy.length);
  copy.writeUInt8(copy.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at);
  return copy;
}
