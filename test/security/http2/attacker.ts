import { startAskedProcess } from '../../support/asked-process.ts';
import type { FloodCommand, FloodReport } from './flood-protocol.ts';

/** Sends floods from a process of its own, so that its processor time can be told from that of the test. */
export interface Attacker extends AsyncDisposable {
  flood(command: FloodCommand): Promise<FloodReport>;
}

export async function startAttacker(): Promise<Attacker> {
  const program = new URL('flood-process.ts', import.meta.url);
  const attacker = await startAskedProcess<FloodCommand, FloodReport>(program);
  return {
    flood: (command) => attacker.ask(command),
    [Symbol.asyncDispose]: () => attacker[Symbol.asyncDispose](),
  };
}
