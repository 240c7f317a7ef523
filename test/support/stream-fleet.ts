import { startAskedProcess } from './asked-process.ts';
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
  const program = new URL('stream-fleet-process.ts', import.meta.url);
  const fleet = await startAskedProcess<FleetCommand, FleetAnswer>(program);
  const ask = async <Kind extends FleetAnswer['kind']>(
    command: FleetCommand,
    kind: Kind,
  ): Promise<Answer<Kind>> => {
    const answer = await fleet.ask(command);
    if (answer.kind !== kind) throw new Error(`the fleet said ${JSON.stringify(answer)}`);
    // Just checked; the compiler does not narrow by a type parameter.
    return answer as Answer<Kind>;
  };
  return {
    pid: fleet.pid,
    open: ({ era = 'legacy', atOnce = 50, stalled = false, ...rest }) =>
      ask({ kind: 'open', era, atOnce, stalled, ...rest }, 'opened'),
    report: async () => (await ask({ kind: 'report' }, 'report')).report,
    leave: async (by) => void (await ask({ kind: 'leave', by }, 'done')),
    forget: async () => void (await ask({ kind: 'forget' }, 'done')),
    [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose](),
  };
}
