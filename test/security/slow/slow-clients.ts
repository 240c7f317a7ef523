import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SlowCommand, SlowReport } from './slow-protocol.ts';

/** Runs slow clients in a process of their own; resolves once all are cut, or the patience is at its end. */
export async function runSlowClients(command: SlowCommand): Promise<SlowReport> {
  const program = fileURLToPath(new URL('slow-process.ts', import.meta.url));
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  const answer = once(child, 'message', { signal: ended.signal });
  child.send(command);
  try {
    // It answers its one command with a report.
    return (await answer)[0] as SlowReport;
  } finally {
    child.kill('SIGKILL');
  }
}
