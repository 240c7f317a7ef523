import { startAskedProcess } from '../../support/asked-process.ts';
import type { SlowCommand, SlowReport } from './slow-protocol.ts';

/** Runs slow clients in a process of their own; resolves once all are cut, or the patience is at its end. */
export async function runSlowClients(command: SlowCommand): Promise<SlowReport> {
  await using clients = await startAskedProcess<SlowCommand, SlowReport>(
    new URL('slow-process.ts', import.meta.url),
  );
  return await clients.ask(command);
}
