import type { Socket } from 'node:net';
import type { ListenAddress } from '../../config/config.ts';
import type { Deadlines } from '../../http/deadlines.ts';
import { createListener, type Listener, type ListenerSettings } from '../../http/listener.ts';
import type { PeerWatch } from '../../http/peer-watch.ts';
import { isSameAddress, type Door, type DoorPlace, type Doors } from './doors.ts';

/** An address to listen on, and how connections are served there. */
export interface DoorSettings extends DoorPlace {
  readonly settings: ListenerSettings;
}

interface Opened {
  /** As it was asked for: the port may be 0. */
  readonly asked: ListenAddress;
  readonly listener: Listener;
}

interface Common {
  readonly deadlines: Deadlines;
  readonly peers: PeerWatch;
}

/** The listeners of a gateway, of which a new configuration keeps those whose address stays. */
export class Listeners {
  readonly #common: Common;
  readonly #doors: Doors;
  readonly #open = new Map<Door, Opened>();
  /** They accept nothing any more and wait for their last connections. */
  readonly #leaving = new Set<Listener>();

  constructor({ doors, ...common }: Common & { readonly doors: Doors }) {
    this.#common = common;
    this.#doors = doors;
  }

  /** Open client connections. */
  get connections(): number {
    let sum = 0;
    for (const { connections } of this.#all()) sum += connections;
    return sum;
  }

  *sockets(): Iterable<Socket> {
    for (const { sockets } of this.#all()) yield* sockets;
  }

  addressOf(door: Door): { readonly host: string; readonly port: number } | undefined {
    return this.#open.get(door)?.listener.address;
  }

  /**
   * Binds, one after the other, the addresses that are new. Resolves to what makes the change: until that is called nothing else is
   * different. Rejects with the system's error, and has changed nothing then.
   */
  async prepare(doors: readonly DoorSettings[]): Promise<() => void> {
    const added = new Map<Door, Opened>();
    try {
      for (const { door, address, settings } of doors) {
        if (isSameAddress(this.#open.get(door)?.asked, address)) continue;
        const listener = await createListener({
          ...this.#common,
          open: (take) => this.#doors.open({ door, address }, take),
          settings,
        });
        added.set(door, { asked: address, listener });
      }
    } catch (error) {
      for (const { listener } of added.values()) listener.destroy();
      throw error;
    }
    return () => {
      for (const door of this.#open.keys()) {
        if (added.has(door) || !doors.some((each) => each.door === door)) this.#dismiss(door);
      }
      for (const [door, opened] of added) this.#open.set(door, opened);
      for (const { door, settings } of doors) {
        if (!added.has(door)) this.#open.get(door)?.listener.use(settings);
      }
    };
  }

  /** Ends the connections of today, each after its answer. */
  retireConnections(): void {
    for (const { listener } of this.#open.values()) listener.retireConnections();
  }

  /** Stops accepting for good. Resolves when all connections are gone. */
  async drain(options: { readonly lingers: boolean }): Promise<void> {
    await Promise.all([...this.#all()].map((listener) => listener.drain(options)));
  }

  destroy(): void {
    for (const listener of this.#all()) listener.destroy();
  }

  #dismiss(door: Door): void {
    const listener = this.#open.get(door)?.listener;
    this.#open.delete(door);
    if (listener === undefined) return;
    this.#leaving.add(listener);
    void listener.drain({ lingers: true }).then(() => this.#leaving.delete(listener));
  }

  *#all(): Iterable<Listener> {
    for (const { listener } of this.#open.values()) yield listener;
    yield* this.#leaving;
  }
}
