import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { BoundDoors } from '../../../src/gateway/listening/bound-doors.ts';
import type { DoorPlace } from '../../../src/gateway/listening/doors.ts';
import { DoorKeeper } from '../../../src/gateway/workers/door-keeper.ts';
import type { ToWorker } from '../../../src/gateway/workers/messages.ts';
import type { WorkerHandle } from '../../../src/gateway/workers/worker-handle.ts';
import { until } from '../../support/until.ts';

const place: DoorPlace = { door: 'secure', address: { host: '127.0.0.1', port: 0 } };

interface TestWorker extends WorkerHandle {
  readonly told: ToWorker[];
  readonly sockets: Socket[];
}

function createWorker(id: number): TestWorker {
  const told: ToWorker[] = [];
  const sockets: Socket[] = [];
  return {
    id,
    pid: id,
    told,
    sockets,
    tell(message, connection) {
      told.push(message);
      if (connection !== undefined) sockets.push(connection);
      return true;
    },
    ask: () => Promise.resolve(undefined),
    kill: () => undefined,
  };
}

async function openDoor(): Promise<{ keeper: DoorKeeper; first: TestWorker; call: () => Promise<void> }> {
  const doors = new BoundDoors([]);
  const clients: Socket[] = [];
  onTestFinished(() => {
    doors.close();
    for (const client of clients) client.destroy();
  });
  const keeper = new DoorKeeper(doors);
  const first = createWorker(1);
  await keeper.open(first, { kind: 'open', number: 7, place });
  const [opened] = first.told;
  if (opened?.kind !== 'opened' || !opened.result.ok) throw new Error('the door is not open');
  const { port } = opened.result.value;
  return {
    keeper,
    first,
    async call() {
      const client = connect(port, '127.0.0.1');
      clients.push(client);
      await once(client, 'connect');
    },
  };
}

it('a connection on its way to a worker that dies goes to another; one that it had is its own', async () => {
  const { keeper, first, call } = await openDoor();
  await call();
  await call();
  await until(() => first.sockets.length === 2);
  keeper.confirm(first, 1);
  expect(first.sockets.map(({ destroyed }) => destroyed)).toEqual([true, false]);
  const second = createWorker(2);
  await keeper.open(second, { kind: 'open', number: 1, place });
  keeper.forget(first);
  expect(second.sockets).toEqual([first.sockets[1]]);
});

it('a worker that leaves keeps what it was given, and is told when no more can come', async () => {
  const { keeper, first, call } = await openDoor();
  await call();
  await until(() => first.sockets.length === 1);
  keeper.leave(first);
  const second = createWorker(2);
  await keeper.open(second, { kind: 'open', number: 1, place });
  await call();
  await until(() => second.sockets.length === 1);
  expect(first.sockets).toHaveLength(1);
  keeper.close(first, 7);
  expect(first.told.at(-1)).toEqual({ kind: 'closed', number: 7 });
});

it('what the system says of an address reaches the worker', async () => {
  const { keeper, first } = await openDoor();
  const [opened] = first.told;
  if (opened?.kind !== 'opened' || !opened.result.ok) throw new Error('the door is not open');
  await keeper.open(first, {
    kind: 'open',
    number: 8,
    place: { door: 'plain', address: opened.result.value },
  });
  expect(first.told.at(-1)).toMatchObject({
    kind: 'opened',
    number: 8,
    result: { ok: false, error: { code: 'EADDRINUSE', port: opened.result.value.port } },
  });
});
