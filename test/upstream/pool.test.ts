import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/http/deadlines.ts';
import type { UpstreamConnection, UpstreamListener } from '../../src/upstream/connection.ts';
import { UpstreamPool } from '../../src/upstream/pool.ts';
import { ManualClock } from '../support/manual-clock.ts';

interface Bench extends AsyncDisposable {
  readonly pool: UpstreamPool;
  readonly clock: ManualClock;
  /** Sends a request on a connection of the pool; resolves with it once it is answered. */
  call(): Promise<UpstreamConnection>;
}

async function startBench(): Promise<Bench> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const clock = new ManualClock();
  const pool = new UpstreamPool({
    target: { kind: 'tcp', secure: false, host: '127.0.0.1', port, path: '/mcp' },
    clock,
    deadlines: new Deadlines(clock),
    connectTimeout: 5000,
    idleTimeout: 4000,
    readBuffer: Buffer.alloc(1024),
  });
  return {
    pool,
    clock,
    async call() {
      const connection = pool.acquire();
      await new Promise<void>((resolve, reject) => {
        const listener: UpstreamListener = {
          onHead: () => undefined,
          onData: () => undefined,
          onFlush: () => true,
          onEnd: resolve,
          onFailure: (code) => reject(new Error(code)),
        };
        connection.send([Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'GET', listener);
      });
      return connection;
    },
    async [Symbol.asyncDispose]() {
      pool.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the pool', () => {
  it('never hands out a connection that is in use', async () => {
    await using bench = await startBench();
    const first = await bench.call();
    expect(bench.pool.acquire()).toBe(first);
    const second = bench.pool.acquire();
    expect(second).not.toBe(first);
    expect(bench.pool.size).toBe(2);
  });

  it('keeps no timer and no connection once all have grown old', async () => {
    await using bench = await startBench();
    await Promise.all([bench.call(), bench.call(), bench.call()]);
    expect(bench.pool.size).toBe(3);
    expect(bench.clock.pending).toBe(1);
    bench.clock.advance(6500);
    await expect.poll(() => bench.pool.size).toBe(0);
    expect(bench.clock.pending).toBe(0);
  });

  it('closes everything, busy or idle, and is empty afterwards', async () => {
    await using bench = await startBench();
    await Promise.all([bench.call(), bench.call()]);
    let failures = 0;
    const busy = bench.pool.acquire();
    busy.send([Buffer.from('GET')], 'GET', {
      onHead: () => undefined,
      onData: () => undefined,
      onFlush: () => true,
      onEnd: () => undefined,
      onFailure: () => failures++,
    });
    bench.pool.close();
    await expect.poll(() => bench.pool.size).toBe(0);
    await setImmediate();
    // Whoever closes the pool has given its exchanges up before.
    expect(failures).toBe(0);
    expect(bench.clock.pending).toBe(0);
  });
});
