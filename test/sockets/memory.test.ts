import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { measureMemory } from '../support/memory.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { settle, stable, startRig } from '../support/rig.ts';
import type { ReceivedRequest } from '../support/scripted-upstream.ts';

const mebibyte = 1024 * 1024;
const block = Buffer.alloc(mebibyte, 'x');

describe('memory', () => {
  it('stalled-reader: a client that does not read costs at most 256 KiB, on HTTP/1.1 and HTTP/2', async () => {
    await using rig = await startRig();
    using h2 = await connectH2(rig.gateway);
    const requests: ReceivedRequest[] = [];
    const before = await measureMemory();
    for (let count = 0; count < 10; count++) {
      const client = await rig.connect();
      client.socket.pause();
      client.send(buildGet());
      requests.push(await rig.upstream.next());
      h2.session.request({ ':path': '/mcp', ':authority': 'localhost' }).pause();
      requests.push(await rig.upstream.next());
    }
    for (const { socket } of requests) {
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: ${20 * mebibyte}\r\n\r\n`,
      );
      for (let count = 0; count < 20; count++) socket.write(block);
    }
    await stable(() => requests.reduce((sum, { socket }) => sum + socket.writableLength, 0));
    // Both ends of every connection live in this process.
    expect(((await measureMemory()) - before) / requests.length).toBeLessThan(2 * 256 * 1024);
  });

  it('memory-amplification: a body in chunks of one byte costs what its bytes cost', async () => {
    await using rig = await startRig();
    const client = await rig.connect();
    const call = buildCall({ size: mebibyte });
    const chunks = Buffer.from(call.replaceAll(/./g, '1\r\n$&\r\n'));
    client.send('POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    await settle();
    const before = await measureMemory();
    client.send(chunks);
    await stable(() => client.socket.writableLength);
    expect((await measureMemory()) - before).toBeLessThan(16 * mebibyte);
    client.send('0\r\n\r\n');
    expect((await rig.upstream.next()).body).toBe(call);
  });
});
