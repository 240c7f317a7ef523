import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A helper program in a process of its own, which answers each command before it reads the next. */
export interface AskedProcess<Command, Answer> extends AsyncDisposable {
  readonly pid: number;
  /** Rejects when the process ends instead. */
  ask(command: Command): Promise<Answer>;
}

/** Starts a program whose parent trusts it to speak the protocol that both files import. */
export async function startAskedProcess<Command extends object, Answer>(
  program: URL,
): Promise<AskedProcess<Command, Answer>> {
  const child = fork(fileURLToPath(program), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  await once(child, 'spawn');
  let last: Promise<unknown> = Promise.resolve();
  const askNow = (command: Command): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const onExit = (): void => reject(new Error(`${program.pathname} has ended`));
      child.once('exit', onExit);
      child.once('message', (message) => {
        child.off('exit', onExit);
        // Both ends import the same types.
        resolve(message as Answer);
      });
      child.send(command);
    });
  return {
    pid: child.pid ?? 0,
    ask(command) {
      const answer = last.then(() => askNow(command));
      last = answer.catch(() => undefined);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
