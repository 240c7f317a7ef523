import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { eventually, receive, startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const answer = answerJson('{}');

interface Plain {
  readonly socket: Socket;
  /** True once the gateway has closed it. */
  readonly refused: boolean;
}

/** Connections that never begin a handshake, which is what a flood is made of. */
async function open(rig: Rig, count: number, localAddress = '127.0.0.1'): Promise<Plain[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: '127.0.0.1', port: rig.gateway.port, localAddress });
      let refused = false;
      socket.on('error', () => socket.destroy());
      socket.on('close', () => (refused = true));
      socket.resume();
      await once(socket, 'connect');
      return {
        socket,
        get refused() {
          return refused;
        },
      };
    }),
  );
}

function close(connections: readonly Plain[]): void {
  for (const { socket } of connections) socket.destroy();
}

describe('connection-flood', () => {
  it('over the cap in total is closed before the handshake, and those within it are served', async () => {
    await using rig = await startRig({ answer, changes: { limits: { connections: 10 } } });
    const client = await rig.connect();
    const flood = await open(rig, 30);
    await eventually(() => flood.filter(({ refused }) => refused).length, 21);
    expect(rig.gateway.gateway.load.connections).toBe(10);
    client.send(buildPost(buildCall()));
    expect((await receive(client)).status).toBe(200);
    close(flood);
    client.socket.destroy();
    await rig.idle({ upstreamSockets: 1 });
    expect((await rig.ask(buildPost(buildCall()))).status).toBe(200);
  });

  it('over the cap of one address leaves the others alone', async () => {
    await using rig = await startRig({ answer, changes: { limits: { connectionsPerAddress: 5 } } });
    const flood = await open(rig, 20);
    await eventually(() => flood.filter(({ refused }) => refused).length, 15);
    const other = await rig.connect({ localAddress: '127.0.0.2' });
    other.send(buildPost(buildCall()));
    expect((await receive(other)).status).toBe(200);
    close(flood);
  });

  it('that closes its oldest connections first does not reset the count of its address', async () => {
    await using rig = await startRig({ answer, changes: { limits: { connectionsPerAddress: 5 } } });
    let connections = await open(rig, 5);
    for (let round = 0; round < 10; round++) {
      connections[0]?.socket.destroy();
      connections = connections.slice(1);
      await eventually(() => rig.gateway.gateway.load.connections, 4);
      const more = await open(rig, 4);
      await eventually(() => more.filter(({ refused }) => refused).length, 3);
      connections.push(...more.filter(({ refused }) => !refused));
      expect(rig.gateway.gateway.load.connections).toBe(5);
    }
    close(connections);
    await rig.idle();
    const again = await open(rig, 5);
    await eventually(() => rig.gateway.gateway.load.connections, 5);
    expect(again.filter(({ refused }) => refused)).toEqual([]);
    close(again);
  });

  it('behind a PROXY header counts the clients it names, not the proxy', async () => {
    await using rig = await startRig({
      answer,
      changes: {
        proxyProtocol: true,
        trustedProxies: ['127.0.0.1'],
        limits: { connectionsPerAddress: 2 },
      },
    });
    const preface = (address: string): string => `PROXY TCP4 ${address} 192.0.2.1 4711 443\r\n`;
    for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
      await rig.connect({ preface: preface(address) });
      const second = await rig.connect({ preface: preface(address) });
      second.send(buildPost(buildCall()));
      expect((await receive(second)).status).toBe(200);
      await expect(rig.connect({ preface: preface(address) })).rejects.toThrow();
    }
    expect(rig.gateway.gateway.load.connections).toBe(6);
  });

  describe('from another address of one /64 for each connection', () => {
    const connectFrom = async (addresses: readonly string[]): Promise<number> => {
      await using rig = await startRig({
        answer,
        changes: {
          proxyProtocol: true,
          trustedProxies: ['127.0.0.1'],
          limits: { connectionsPerAddress: 2 },
        },
      });
      for (const address of addresses) {
        await rig
          .connect({ preface: `PROXY TCP6 ${address} 2001:db8:ff::1 4711 443\r\n` })
          .catch(() => undefined);
      }
      return rig.gateway.gateway.load.connections;
    };

    it('counts as one address', async () => {
      const addresses = ['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2:ffff::', '2001:DB8:1:2:3:4:5:6'];
      expect(await connectFrom(addresses)).toBe(2);
    });

    it('control: networks count apart', async () => {
      const addresses = ['2001:db8:1:1::1', '2001:db8:1:2::1', '2001:db8:1:3::1', '2001:db8:1:4::1'];
      expect(await connectFrom(addresses)).toBe(4);
    });
  });

  it('control: without caps the same flood is let in', async () => {
    await using rig = await startRig({ answer });
    const flood = await open(rig, 30);
    await eventually(() => rig.gateway.gateway.load.connections, 30);
    expect(flood.filter(({ refused }) => refused)).toEqual([]);
    close(flood);
    await rig.idle();
  });
});
