import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeInTurn } from '../../src/lib/turn-writes.ts';

interface Recorder {
  readonly socket: Socket;
  readonly taken: string[];
}

function record(log: string[] = [], highWaterMark = 1024): Recorder {
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
  return { socket: duplex as unknown as Socket, taken: log };
}

describe('writing at the end of the turn', () => {
  it('sends nothing before, and everything in order then', async () => {
    const log: string[] = [];
    const [one, two] = [record(log), record(log)];
    writeInTurn(one.socket, Buffer.from('1a'));
    writeInTurn(two.socket, Buffer.from('2a'));
    writeInTurn(one.socket, Buffer.from('1b'));
    expect(log).toEqual([]);
    await setImmediate();
    expect(log).toEqual(['1a', '1b', '2a']);
    writeInTurn(two.socket, Buffer.from('2b'));
    await setImmediate();
    expect(log.at(-1)).toBe('2b');
  });

  it('tells when the caller should wait, as a write does', () => {
    const { socket } = record([], 4);
    expect(writeInTurn(socket, Buffer.from('abc'))).toBe(true);
    expect(writeInTurn(socket, Buffer.from('d'))).toBe(false);
    expect(socket.writableLength).toBe(4);
  });

  it('sends before the end of a socket that ends in the same turn', () => {
    const { socket, taken } = record();
    writeInTurn(socket, Buffer.from('last words'));
    socket.end();
    expect(taken).toEqual(['last words']);
  });

  it('drops what a socket was given that is destroyed in the same turn', async () => {
    const { socket, taken } = record();
    writeInTurn(socket, Buffer.from('never'));
    socket.destroy();
    await setImmediate();
    expect(taken).toEqual([]);
  });

  it('keeps the first of very many sockets waiting no longer than it takes to fill some dozens', async () => {
    const log: string[] = [];
    const recorders = Array.from({ length: 200 }, () => record(log));
    for (const [index, { socket }] of recorders.entries()) writeInTurn(socket, Buffer.from(String(index)));
    expect(log.length).toBeGreaterThan(100);
    await setImmediate();
    expect(log).toEqual(recorders.map((_, index) => String(index)));
  });
});
