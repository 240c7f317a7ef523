import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { buildFakeTimeEnvironment, type FakeTime } from '../support/fake-time.ts';
import type { FleetMessage, FleetOrder } from './fleet-protocol.ts';

type Message<Kind extends FleetMessage['kind']> = Extract<FleetMessage, { kind: Kind }>;

/** The process with the clients and the upstream of the day-long test. */
export interface FleetProcess {
  readonly pid: number;
  readonly upstreamPort: number;
  /** Opens all streams; resolves once the last one is open. */
  open(order: FleetOrder): Promise<void>;
  /** Resolves when the streams have been held for the ordered time. */
  done(): Promise<Message<'done'>>;
  kill(): void;
}

export async function startFleetProcess(fakeTime: FakeTime): Promise<FleetProcess> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('stream-fleet.ts', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', ...buildFakeTimeEnvironment(fakeTime) },
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the fleet ended with ${String(code)}: ${complaints}`);
  });
  // Whoever waits for a message learns of it; when nobody does, the end is the expected one.
  ended.catch(() => undefined);
  const expectMessage = async <Kind extends FleetMessage['kind']>(kind: Kind): Promise<Message<Kind>> => {
    const [message] = await Promise.race([once(child, 'message'), ended]);
    // The fleet sends its three messages in a fixed order.
    if ((message as FleetMessage).kind !== kind) throw new Error(`the fleet said ${JSON.stringify(message)}`);
    return message as Message<Kind>;
  };
  const { upstreamPort } = await expectMessage('listening');
  let done: Promise<Message<'done'>> | undefined;
  return {
    pid: child.pid ?? 0,
    upstreamPort,
    async open(order) {
      const opened = expectMessage('open');
      child.send(order);
      await opened;
      done = expectMessage('done');
      done.catch(() => undefined);
    },
    done: () => done ?? Promise.reject(new Error('the fleet was not opened')),
    kill: () => void child.kill('SIGKILL'),
  };
}
