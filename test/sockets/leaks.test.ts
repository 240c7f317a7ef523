import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { measureMemory } from '../support/memory.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, type Rig } from '../support/rig.ts';
import { answerJson, eventStreamHead, toChunk } from '../support/scripted-upstream.ts';

function forget(rig: Rig): void {
  rig.upstream.forget();
  rig.gateway.forget();
}

/** Opens streams and drops them: half by the client, half by the upstream. */
async function churnH2(rig: Rig, sessions: number): Promise<void> {
  for (let session = 0; session < sessions; session++) {
    const client = await connectH2(rig.gateway);
    const exchanges = Array.from({ length: 100 }, () => client.get());
    await Promise.all(exchanges.map((exchange) => exchange.until((body) => body !== '')));
    for (const { socket } of rig.upstream.requests.slice(0, 50)) socket.destroy();
    await expect.poll(() => rig.upstream.openSockets, { interval: 2 }).toBeLessThanOrEqual(50);
    for (const { stream } of exchanges) stream.close(8);
    client.session.destroy();
    await rig.idle();
    forget(rig);
  }
}

async function churnH1(rig: Rig, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const clients = await Promise.all(Array.from({ length: 25 }, () => rig.connect()));
    for (const [index, client] of clients.entries())
      client.send(index % 2 === 0 ? buildGet() : buildPost(buildCall()));
    await Promise.all(clients.map((client) => client.until((text) => text.includes('data: 1'))));
    for (const [index, client] of clients.entries()) {
      if (index % 5 === 0) client.reset();
      else client.socket.destroy();
    }
    await rig.idle();
    rig.forgetClients();
    forget(rig);
  }
}

describe('1,000 streams that were opened and dropped', () => {
  const clock = new ManualClock();
  const answer = ({ socket }: { socket: { write(text: string): unknown } }): void =>
    void socket.write(eventStreamHead + toChunk(`id: 1\ndata: 1${'x'.repeat(2000)}\n\n`));

  it('leave no socket, no map entry, no timer and no memory behind, on HTTP/2 and HTTP/1.1', async () => {
    await using rig = await startRig({ clock, answer });
    const timers = clock.pending;
    await churnH2(rig, 2);
    await churnH1(rig, 4);
    const before = await measureMemory();
    await churnH2(rig, 6);
    await churnH1(rig, 16);
    const growth = (await measureMemory()) - before;
    expect(rig.gateway.gateway.load).toEqual({ connections: 0, exchanges: 0, upstreamConnections: 0 });
    // With the last connection gone, the next sweep is the last.
    clock.advance(500);
    expect(clock.pending).toBe(timers);
    expect(rig.gateway.problems).toEqual([]);
    // One that stayed would keep its exchange, socket and buffers, many KiB; code and shapes being learned cost some too.
    expect(growth).toBeLessThan(1000 * 1536);
  });
});

describe('calls', () => {
  it('1,000 over one connection leave nothing behind either', async () => {
    await using rig = await startRig({ answer: answerJson('{"jsonrpc":"2.0","id":1,"result":{}}') });
    const client = await rig.connect();
    const call = async (count: number): Promise<void> => {
      for (let round = 0; round < count / 50; round++) {
        client.send(buildPost(buildCall()).repeat(50));
        await receive(client, 50);
        client.clear();
        forget(rig);
      }
    };
    await call(500);
    const before = await measureMemory();
    await call(1000);
    expect((await measureMemory()) - before).toBeLessThan(500 * 1024);
    expect(rig.upstream.connections).toBe(1);
  });
});
