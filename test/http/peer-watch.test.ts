import { setImmediate } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/http/deadlines.ts';
import { PeerWatch } from '../../src/http/peer-watch.ts';
import type { UnansweredConnection } from '../../src/http/tcp-table.ts';
import { ManualClock } from '../support/manual-clock.ts';

class FakeSocket {
  readonly localPort = 8443;
  readonly remoteAddress: string;
  readonly remotePort = 54_322;
  destroyed = false;

  constructor(remoteAddress = '10.0.2.3') {
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

type Table = readonly UnansweredConnection[] | undefined;

function unanswered(repeats: number, unacknowledged = 100, remoteAddress = '10.0.2.3'): UnansweredConnection {
  return { localPort: 8443, remoteAddress, remotePort: 54_322, repeats, unacknowledged };
}

/** Watches the sockets for so many looks, 10 s apart; `read` gives the table of each. */
async function watch(
  sockets: Set<FakeSocket>,
  read: (look: number) => Promise<Table>,
  looks: number,
): Promise<ManualClock> {
  const clock = new ManualClock();
  const deadlines = new Deadlines(clock);
  let look = 0;
  const peers = new PeerWatch({ deadlines, timeout: () => 30_000, read: () => read(look++) });
  // Only what the watch reads of a socket is there.
  peers.watch(() => sockets as unknown as Set<Socket>);
  peers.wake();
  for (let round = 0; round < looks; round++) {
    clock.advance(10_000);
    await setImmediate();
  }
  return clock;
}

describe('a peer', () => {
  it('that answers nothing for the time-out is cut at the look after it', async () => {
    const socket = new FakeSocket();
    const repeats = [6, 7, 7, 7];
    await watch(new Set([socket]), async (look) => [unanswered(repeats[look] ?? 8, 100 + look)], 3);
    expect(socket.destroyed).toBe(false);
    await watch(new Set([socket]), async (look) => [unanswered(repeats[look] ?? 8, 100 + look)], 4);
    expect(socket.destroyed).toBe(true);
  });

  it('is found behind a dual-stack socket and a link-local zone too', async () => {
    for (const [address, shown] of [
      ['::ffff:10.0.2.3', '10.0.2.3'],
      ['fe80::1%eth0', 'fe80::1'],
    ] as const) {
      const socket = new FakeSocket(address);
      await watch(new Set([socket]), async () => [unanswered(7, 100, shown)], 4);
      expect(socket.destroyed, address).toBe(true);
    }
  });

  it.each<[string, (look: number) => UnansweredConnection]>([
    ['answers in between, so that repeats begin afresh', (look) => unanswered(7 - (look % 3))],
    ['acknowledges some bytes in between', (look) => unanswered(7, 1000 - look)],
    ['loses a packet at each look but no more', () => unanswered(2)],
    ['is somebody else', () => unanswered(7, 100, '10.0.2.4')],
  ])('that %s is kept', async (_what, line) => {
    const socket = new FakeSocket();
    await watch(new Set([socket]), async (look) => [line(look)], 20);
    expect(socket.destroyed).toBe(false);
  });

  it('is kept where the system does not tell or cannot', async () => {
    const socket = new FakeSocket();
    await watch(new Set([socket]), async () => undefined, 10);
    await watch(new Set([socket]), () => Promise.reject(new Error('EMFILE')), 10);
    expect(socket.destroyed).toBe(false);
  });
});

describe('the watch', () => {
  it('reads nothing and has no timer without connections', async () => {
    let looks = 0;
    const sockets = new Set([new FakeSocket()]);
    const read = async (): Promise<Table> => {
      looks++;
      if (looks === 2) sockets.clear();
      return [];
    };
    const clock = await watch(sockets, read, 10);
    expect(looks).toBe(2);
    expect(clock.pending).toBe(0);
  });
});
