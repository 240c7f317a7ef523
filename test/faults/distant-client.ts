import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DistantCommand, DistantReport } from './distant-client-protocol.ts';

/** Clients in another network, in a process of their own. */
export interface DistantClient extends AsyncDisposable {
  tell(command: DistantCommand): Promise<DistantReport>;
}

/** `where`: what to put before a command to run it there. */
export function startDistantClient(where: readonly string[]): DistantClient {
  const program = fileURLToPath(new URL('distant-client-process.ts', import.meta.url));
  const [first, ...rest] = where;
  const [command, args] =
    first === undefined ? [process.execPath, [program]] : [first, [...rest, process.execPath, program]];
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = once(child, 'exit').then(() => {
    throw new Error('the distant client has ended');
  });
  exited.catch(() => undefined);
  return {
    async tell(order) {
      const answer = once(child, 'message');
      child.send(order);
      const [report] = await Promise.race([answer, exited]);
      // It answers each command with just this.
      return report as DistantReport;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited.catch(() => undefined);
    },
  };
}
