import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFaultRelay, type FaultRelay } from '../support/fault-relay.ts';
import { eventually } from '../support/rig.ts';

/** A server that sends back what it gets. */
async function startEcho(onData: (text: string) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => onData(bytes.toString('latin1')));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('fault relay', () => {
  let echo: Server;
  let relay: FaultRelay;
  let client: Socket;
  let received: Buffer;
  let heard: string;
  let fate: string | undefined;

  beforeEach(async () => {
    heard = '';
    echo = await startEcho((text) => (heard += text));
    // `address()` is a string only for Unix sockets.
    relay = await startFaultRelay({ targetPort: (echo.address() as AddressInfo).port });
    client = connect({ port: relay.port, host: '127.0.0.1', allowHalfOpen: true });
    received = Buffer.alloc(0);
    fate = undefined;
    client.on('data', (bytes: Buffer) => (received = Buffer.concat([received, bytes])));
    client.on('end', () => (fate ??= 'end'));
    client.on('error', (error: NodeJS.ErrnoException) => (fate ??= error.code));
    await once(client, 'connect');
  });
  afterEach(async () => {
    client.destroy();
    await relay[Symbol.asyncDispose]();
    echo.close();
  });
  const text = (): string => received.toString('latin1');

  it('passes bytes on unchanged, 1 MiB of them, and the end of them', async () => {
    const bytes = Buffer.alloc(1024 * 1024, 'abcdefg');
    client.end(bytes);
    await eventually(() => fate, 'end');
    expect(received.equals(bytes)).toBe(true);
    client.destroy();
    await eventually(() => relay.open, 0);
  });

  it('delays, and keeps the order under jitter', async () => {
    relay.set('toClient', { delay: 50, jitter: 40 });
    const startedAt = performance.now();
    for (let number = 0; number < 20; number++) {
      client.write(`${number} `);
      await new Promise(setImmediate);
    }
    await eventually(text, Array.from({ length: 20 }, (_, number) => `${number} `).join(''));
    expect(performance.now() - startedAt).toBeGreaterThan(10);
  });

  it('holds the rate', async () => {
    relay.set('toTarget', { bytesPerSecond: 100_000 });
    const startedAt = performance.now();
    client.write(Buffer.alloc(20_000));
    await eventually(() => received.length, 20_000);
    expect(performance.now() - startedAt).toBeGreaterThan(180);
  });

  it('swallows while it is a black hole, and goes on afterwards', async () => {
    relay.set('toTarget', { blackHole: true });
    client.write('lost?');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(text()).toBe('');
    relay.set('toTarget', {});
    await eventually(text, 'lost?');
  });

  it('turns one bit of a piece over', async () => {
    relay.set('toClient', { flipBits: true });
    client.write('AAAA');
    await eventually(() => received.length, 4);
    const turned = [...received].reduce((sum, byte) => sum + ((byte ^ 0x41) === 0 ? 0 : 1), 0);
    expect(turned).toBe(1);
  });

  it('cuts after so many bytes, by reset or end', async () => {
    relay.set('toClient', { cutAfter: 3, cutBy: 'end' });
    client.write('abcdef');
    await eventually(() => fate, 'end');
    expect(text()).toBe('abc');
    expect(relay.cuts).toBe(1);
  });

  it('resets all connections', async () => {
    relay.cut('reset');
    await eventually(() => fate, 'ECONNRESET');
    await eventually(() => relay.open, 0);
    expect(relay.cuts).toBe(0);
  });

  it('ends one half and leaves the other open', async () => {
    relay.halfClose('toClient');
    await eventually(() => fate, 'end');
    client.write('still heard');
    await eventually(() => heard, 'still heard');
    expect(fate).toBe('end');
  });
});
