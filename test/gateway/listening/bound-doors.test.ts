import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BoundDoors, type DoorMember, type Membership } from '../../../src/gateway/listening/bound-doors.ts';
import type { DoorPlace } from '../../../src/gateway/listening/doors.ts';
import { until } from '../../support/until.ts';

const place: DoorPlace = { door: 'secure', address: { host: '127.0.0.1', port: 0 } };
const doors = new BoundDoors([]);
const clients: Socket[] = [];

afterEach(() => {
  doors.close();
  for (const client of clients.splice(0)) client.destroy();
});

interface Recorder extends DoorMember {
  readonly taken: Socket[];
}

function record(isElsewhere: boolean, isThere = (): boolean => true): Recorder {
  const taken: Socket[] = [];
  return {
    isElsewhere,
    taken,
    take(socket) {
      if (isThere()) taken.push(socket);
      return isThere();
    },
  };
}

async function call({ address }: Pick<Membership, 'address'>, times = 1): Promise<void> {
  for (let each = 0; each < times; each++) {
    const client = connect(address.port, address.host);
    client.on('error', () => undefined);
    clients.push(client);
    await once(client, 'connect');
    client.write('hello');
  }
}

const counts = (...members: Recorder[]): readonly number[] => members.map(({ taken }) => taken.length);

describe('a door', () => {
  it('gives connections to its members in turn', async () => {
    const [first, second] = [record(true), record(true)];
    const joined = await doors.join(place, first);
    await doors.join(place, second);
    await call(joined, 6);
    await until(() => first.taken.length + second.taken.length === 6);
    expect(counts(first, second)).toEqual([3, 3]);
  });

  it('gives them to other processes alone as soon as there is one, with nothing read; control: here they are read', async () => {
    const [here, worker] = [record(false), record(true)];
    const joined = await doors.join(place, here);
    await call(joined);
    await until(() => here.taken.length === 1);
    const others = await doors.join(place, worker);
    await call(joined, 2);
    await until(() => worker.taken.length === 2);
    expect(counts(here, worker)).toEqual([1, 2]);
    await until(() => here.taken[0]?.readableLength === 5);
    expect([...here.taken, ...worker.taken].map(({ readableLength }) => readableLength)).toEqual([5, 0, 0]);
    others.leave();
    await call(joined);
    await until(() => here.taken.length === 2);
    await until(() => here.taken[1]?.readableLength === 5);
    expect(counts(here, worker)).toEqual([2, 2]);
  });

  it('passes over a member that is gone, and takes back what one could not keep', async () => {
    const [gone, there] = [record(true, () => false), record(true)];
    let back: ((socket: Socket) => void) | undefined;
    const dying = record(true);
    const joined = await doors.join(place, {
      ...dying,
      take: (socket, giveBack) => {
        back = giveBack;
        return dying.take(socket, giveBack);
      },
    });
    await call(joined);
    await until(() => dying.taken.length === 1);
    await doors.join(place, gone);
    await doors.join(place, there);
    joined.leave();
    for (const socket of dying.taken) back?.(socket);
    expect(there.taken).toEqual(dying.taken);
  });

  it('stays open behind a member that leaves, and what comes waits for the next; it closes with one that closes', async () => {
    const [first, second] = [record(true), record(true)];
    const joined = await doors.join(place, first);
    joined.leave();
    await call(joined, 2);
    const again = await doors.join(place, second);
    expect(again.address).toEqual(joined.address);
    await until(() => second.taken.length === 2);
    expect(counts(first, second)).toEqual([0, 2]);
    again.close();
    await expect(call(again)).rejects.toThrow('ECONNREFUSED');
  });

  it('that nobody serves is closed by pruning, and no other', async () => {
    const left = await doors.join(place, record(true));
    const kept = await doors.join({ ...place, door: 'plain' }, record(true));
    // Of the port 0 each door has one of its own.
    expect(kept.address.port).not.toBe(left.address.port);
    left.leave();
    await doors.prune();
    await expect(call(left)).rejects.toThrow('ECONNREFUSED');
    await call(kept);
  });

  it('rejects with what the system says, and can be tried again', async () => {
    const { address } = await doors.join(place, record(true));
    const taken: DoorPlace = { door: 'plain', address };
    await expect(doors.join(taken, record(true))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    doors.close();
    await until(async () => {
      try {
        await doors.join(taken, record(true));
        return true;
      } catch {
        return false;
      }
    });
    await call({ address });
  });
});
