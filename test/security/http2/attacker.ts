import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FloodCommand, FloodReport } from './flood-protocol.ts';

/** Sends floods from a process of its own, so that its processor time can be told from that of the test. */
export interface Attacker extends AsyncDisposable {
  flood(command: FloodCommand): Promise<FloodReport>;
}

export function startAttacker(): Attacker {
  const program = fileURLToPath(new URL('flood-process.ts', import.meta.url));
  const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error('the attacker has ended')));
  return {
    async flood(command) {
      const answer = once(child, 'message', { signal: ended.signal });
      child.send(command);
      // It answers each command with a report.
      return (await answer)[0] as FloodReport;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
