import cluster, { type Worker } from 'node:cluster';
import type { Socket } from 'node:net';
import type { FromWorker, ToWorker } from './messages.ts';

export type Answer = Extract<FromWorker, { readonly ask: number }>;

export interface WorkerEvents {
  readonly onMessage: (message: Exclude<FromWorker, Answer>) => void;
  /** It has ended, for whatever reason: an exit code, or the name of a signal. */
  readonly onExit: (how: number | string) => void;
}

/** One worker, as its supervisor sees it. */
export interface WorkerHandle {
  readonly id: number;
  readonly pid: number;
  /** Sends a message, and with it a connection, which is still open here. False when the worker is gone. */
  tell(message: ToWorker, connection?: Socket): boolean;
  /** Asks, and resolves to the answer; to `undefined` when the worker ends before. */
  ask<Kind extends Answer['kind']>(
    build: (ask: number) => ToWorker,
    kind: Kind,
  ): Promise<Extract<Answer, { readonly kind: Kind }> | undefined>;
  kill(): void;
}

/** Starts a process of the same program; what it is to do comes with the message `start`. */
export function forkWorker(events: WorkerEvents): WorkerHandle {
  const worker: Worker = cluster.fork();
  const waiting = new Map<number, (answer: Answer | undefined) => void>();
  let asked = 0;
  worker.on('message', (message: FromWorker) => {
    if (!('ask' in message)) {
      events.onMessage(message);
      return;
    }
    waiting.get(message.ask)?.(message);
    waiting.delete(message.ask);
  });
  worker.on('exit', (code, signal) => {
    for (const settle of waiting.values()) settle(undefined);
    waiting.clear();
    // A signal is an empty string where there was none.
    events.onExit(signal === '' ? code : (signal ?? code));
  });
  // Its pipe breaks when it dies; `exit` follows.
  worker.on('error', () => undefined);
  const tell = (message: ToWorker, connection?: Socket): boolean => {
    if (!worker.isConnected()) return false;
    // What fails on the way was for a worker that dies.
    worker.send(message, connection, { keepOpen: true }, () => undefined);
    return true;
  };
  return {
    id: worker.id,
    pid: worker.process.pid ?? 0,
    tell,
    ask(build, kind) {
      if (!worker.isConnected()) return Promise.resolve(undefined);
      const ask = ++asked;
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
      waiting.set(ask, resolve);
      tell(build(ask));
      return promise.then((answer) =>
        // Answers carry the number of their question, so the kind is that of the question.
        answer?.kind === kind ? (answer as Extract<Answer, { readonly kind: typeof kind }>) : undefined,
      );
    },
    kill: () => void worker.process.kill('SIGKILL'),
  };
}
