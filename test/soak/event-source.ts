import { startAskedProcess } from '../support/asked-process.ts';
import type { SourceCommand, SourceState } from './event-source-protocol.ts';

/** The upstream of the soak tests, in a process of its own, so that the test's own work delays nobody. */
export interface EventSource extends AsyncDisposable {
  readonly port: number;
  tell(command: SourceCommand): Promise<SourceState>;
}

export async function startEventSource(): Promise<EventSource> {
  const program = new URL('event-source-process.ts', import.meta.url);
  const child = await startAskedProcess<SourceCommand, SourceState>(program);
  const { port } = await child.ask({ kind: 'report' });
  return {
    port,
    tell: (command) => child.ask(command),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
