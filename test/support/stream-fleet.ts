import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FleetAnswer, FleetCommand, FleetReport } from './stream-fleet-protocol.ts';

type Answer<Kind extends FleetAnswer['kind']> = Extract<FleetAnswer, { kind: Kind }>;

/**
 * Thousands of clients with one event stream each, in a process of their own, spread over the addresses
 * 127.0.0.2 to 127.0.0.20. Events are expected to carry the numbers 0, 1, 2 … as their data.
 */
export interface StreamFleet extends AsyncDisposable {
  readonly pid: number;
  /** Opens streams beside those that run; resolves with the number of those that opened and why others did not. */
  open(options: FleetOptions): Promise<Answer<'opened'>>;
  report(): Promise<FleetReport>;
  /** All clients leave at once. */
  leave(by: 'end' | 'reset'): Promise<void>;
  /** Forgets the streams that have ended, and counts from zero. */
  forget(): Promise<void>;
}

export interface FleetOptions {
  readonly port: number;
  readonly ca: string;
  readonly streams: number;
  readonly era?: 'legacy' | 'modern';
  readonly atOnce?: number;
  readonly stalled?: boolean;
}

export async function startStreamFleet(): Promise<StreamFleet> {
  const program = fileURLToPath(new URL('stream-fleet-process.ts', import.meta.url));
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  await once(child, 'spawn');
  const ask = async <Kind extends FleetAnswer['kind']>(
    command: FleetCommand,
    kind: Kind,
  ): Promise<Answer<Kind>> => {
    const [message] = await new Promise<unknown[]>((resolve, reject) => {
      const onExit = (): void => reject(new Error('the fleet has ended'));
      child.once('exit', onExit);
      child.once('message', (...values) => {
        child.off('exit', onExit);
        resolve(values);
      });
      child.send(command);
    });
    // The fleet answers each command before it reads the next.
    if ((message as FleetAnswer).kind !== kind) throw new Error(`the fleet said ${JSON.stringify(message)}`);
    return message as Answer<Kind>;
  };
  return {
    pid: child.pid ?? 0,
    open: ({ era = 'legacy', atOnce = 50, stalled = false, ...rest }) =>
      ask({ kind: 'open', era, atOnce, stalled, ...rest }, 'opened'),
    report: async () => (await ask({ kind: 'report' }, 'report')).report,
    leave: async (by) => void (await ask({ kind: 'leave', by }, 'done')),
    forget: async () => void (await ask({ kind: 'forget' }, 'done')),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
