import type { Socket } from 'node:net';

/** Sockets that hold back what they were given in this turn of the event loop. */
let held: Socket[] = [];
let hasWritten = false;

/** Others are not kept waiting for long when very many sockets have something to say in one turn. */
const MOST_HELD = 64;

/**
 * Writes the first message of the event loop's turn at once and the others at its end, after everything that has arrived has been
 * read. A write wakes whoever waits for it; in a row they wake a peer once a turn instead of once a message, and the code
 * of the kernel and that of the gateway push each other out of the caches once a turn too: a third of a call's cost under
 * load. The first one goes at once because a turn with a single message has nothing to wait for.
 * Returns false, as `write` does, when the caller should wait for `drain`.
 */
export function writeInTurn(socket: Socket, bytes: Buffer): boolean {
  if (socket.writableCorked > 0) return socket.write(bytes);
  if (!hasWritten) {
    hasWritten = true;
    setImmediate(endTurn);
    return socket.write(bytes);
  }
  if (held.length === MOST_HELD) release();
  socket.cork();
  held.push(socket);
  return socket.write(bytes);
}

function endTurn(): void {
  hasWritten = false;
  release();
}

function release(): void {
  const sockets = held;
  held = [];
  for (const socket of sockets) socket.uncork();
}
