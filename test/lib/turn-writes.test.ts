import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { writeInTurn } from '../../src/lib/turn-writes.ts';

/** A socket that notes what it sends. */
function record(log: string[], highWaterMark = 1024): Socket {
  const duplex = new Duplex({
    highWaterMark,
    read() {
      // Nothing comes.
    },
    write(bytes: Buffer, _encoding, done) {
      log.push(bytes.toString());
      done();
    },
  });
  // It uses what every Writable has.
  return duplex as unknown as Socket;
}

const write = (socket: Socket, text: string): boolean => writeInTurn(socket, Buffer.from(text));

describe('writing in turn', () => {
  beforeEach(() => setImmediate());

  it('sends the first message at once, and the others in order at the end of the turn', async () => {
    const log: string[] = [];
    const [one, two] = [record(log), record(log)];
    for (let turn = 0; turn < 3; turn++) {
      log.length = 0;
      write(one, '1a');
      write(two, '2a');
      write(one, '1b');
      write(two, '2b');
      expect(log).toEqual(['1a']);
      await setImmediate();
      expect(log).toEqual(['1a', '2a', '2b', '1b']);
    }
  });

  it('tells when the caller should wait, as a write does', () => {
    write(record([]), 'first');
    const socket = record([], 4);
    expect(write(socket, 'abc')).toBe(true);
    expect(write(socket, 'd')).toBe(false);
    expect(socket.writableLength).toBe(4);
  });

  it('sends before the end of a socket that ends in the same turn', () => {
    write(record([]), 'first');
    const log: string[] = [];
    const socket = record(log);
    write(socket, 'last words');
    expect(log).toEqual([]);
    socket.end();
    expect(log).toEqual(['last words']);
  });

  it('drops what a socket was given that is destroyed in the same turn', async () => {
    write(record([]), 'first');
    const log: string[] = [];
    const socket = record(log);
    write(socket, 'never');
    socket.destroy();
    await setImmediate();
    expect(log).toEqual([]);
  });

  it('keeps the first of very many sockets waiting no longer than it takes to fill some dozens', async () => {
    const log: string[] = [];
    const sockets = Array.from({ length: 200 }, () => record(log));
    for (const [index, socket] of sockets.entries()) write(socket, String(index));
    expect(log.length).toBeGreaterThan(100);
    await setImmediate();
    expect(log).toEqual(sockets.map((_, index) => String(index)));
  });
});
