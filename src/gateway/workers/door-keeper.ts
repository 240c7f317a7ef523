import type { Socket } from 'node:net';
import type { BoundDoors, Membership } from '../listening/bound-doors.ts';
import type { FromWorker, SystemFailure } from './messages.ts';
import type { WorkerHandle } from './worker-handle.ts';

type Open = Extract<FromWorker, { readonly kind: 'open' }>;

/** What one worker has of the doors. */
interface Share {
  readonly served: Map<number, Membership>;
  /** On their way to it. */
  readonly given: Map<number, { readonly socket: Socket; readonly giveBack: (socket: Socket) => void }>;
}

/**
 * Which worker serves which door. The doors stay with the supervisor however many of its workers die, and a connection on its way to one
 * that dies goes to another.
 */
export class DoorKeeper {
  readonly #doors: BoundDoors;
  readonly #shares = new Map<WorkerHandle, Share>();
  #connections = 0;

  constructor(doors: BoundDoors) {
    this.#doors = doors;
  }

  async open(worker: WorkerHandle, { number, place }: Open): Promise<void> {
    const share = this.#shares.get(worker) ?? { served: new Map(), given: new Map() };
    this.#shares.set(worker, share);
    try {
      const membership = await this.#doors.join(place, {
        isElsewhere: true,
        take: (socket, giveBack) => {
          const connection = ++this.#connections;
          if (!worker.tell({ kind: 'connection', number, connection }, socket)) return false;
          share.given.set(connection, { socket, giveBack });
          return true;
        },
      });
      share.served.set(number, membership);
      const result = { ok: true, value: membership.address } as const;
      // It may have died meanwhile.
      if (!worker.tell({ kind: 'opened', number, result })) this.forget(worker);
    } catch (error) {
      worker.tell({ kind: 'opened', number, result: { ok: false, error: toFailure(error) } });
    }
  }

  /** A worker has a connection, which is its own from now on. */
  confirm(worker: WorkerHandle, connection: number): void {
    const given = this.#shares.get(worker)?.given;
    given?.get(connection)?.socket.destroy();
    given?.delete(connection);
  }

  /** A worker serves a door no longer. */
  close(worker: WorkerHandle, number: number): void {
    const served = this.#shares.get(worker)?.served;
    served?.get(number)?.close();
    served?.delete(number);
    worker.tell({ kind: 'closed', number });
  }

  /** A worker gets no more connections; its doors stay open. */
  leave(worker: WorkerHandle): void {
    const served = this.#shares.get(worker)?.served;
    for (const membership of served?.values() ?? []) membership.leave();
    served?.clear();
  }

  /** A worker is no more. */
  forget(worker: WorkerHandle): void {
    this.leave(worker);
    const given = this.#shares.get(worker)?.given;
    this.#shares.delete(worker);
    for (const { socket, giveBack } of given?.values() ?? []) giveBack(socket);
  }
}

function toFailure(error: unknown): SystemFailure {
  const { message, code, port } = error as NodeJS.ErrnoException & { readonly port?: number };
  return { message, code, port };
}
