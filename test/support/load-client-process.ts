/** A program: the steady client of `load-client.ts`. */
import { readFinalAnswers } from './answers.ts';
import { buildCall } from './messages.ts';
import { percentile } from './percentile.ts';
import { buildPost, connectRaw, type RawClient } from './raw-client.ts';
import type { LoadAnswer, LoadCommand, LoadReport } from './load-client-protocol.ts';

const ADDRESS = '127.0.0.1';
const idle: RawClient[] = [];
const running = new Set<Promise<void>>();
const latencies: number[] = [];
const failures: Record<string, number> = {};
let timer: NodeJS.Timeout | undefined;
let requests: readonly string[] = [];
let sent = 0;

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void obey(message as LoadCommand).then((answer) => process.send?.(answer));
});

async function obey(command: LoadCommand): Promise<LoadAnswer> {
  switch (command.kind) {
    case 'start':
      requests = (command.fields ?? ['']).map((fields) => buildPost(buildCall(), { fields }));
      // The first connection is there before the test begins.
      await call(command, performance.now(), false);
      latencies.length = 0;
      start(command);
      return { kind: 'started' };
    case 'stop':
      clearInterval(timer);
      await Promise.all(running);
      return { kind: 'stopped', report: report() };
  }
}

type Start = Extract<LoadCommand, { kind: 'start' }>;

/** Calls are due at fixed moments, whether or not those before are answered: a stall of the gateway counts for all of them. */
function start(command: Start): void {
  const spacing = 1000 / command.callsPerSecond;
  const startedAt = performance.now();
  let due = 0;
  timer = setInterval(() => {
    for (; startedAt + due * spacing <= performance.now(); due++) {
      const isFresh = Math.floor((due + 1) * command.freshShare) > Math.floor(due * command.freshShare);
      const made = call(command, startedAt + due * spacing, isFresh);
      running.add(made);
      void made.then(() => running.delete(made));
    }
  }, spacing / 2);
}

async function call({ port, ca }: Start, dueAt: number, isFresh: boolean): Promise<void> {
  try {
    const kept = isFresh ? undefined : idle.pop();
    const client = kept ?? (await connectRaw({ port, ca, localAddress: ADDRESS }));
    client.clear();
    client.send(requests[sent++ % requests.length] ?? '');
    const text = await client.until((received) => readFinalAnswers(received)[0]?.complete === true);
    const status = readFinalAnswers(text)[0]?.status;
    if (status !== 200) count(`status ${status}`);
    latencies.push(performance.now() - dueAt);
    if (isFresh) client.socket.destroy();
    else idle.push(client);
  } catch (error) {
    count(error instanceof Error ? error.message : String(error));
  }
}

function count(reason: string): void {
  failures[reason] = (failures[reason] ?? 0) + 1;
}

function report(): LoadReport {
  const at = (share: number): number => percentile(latencies, share);
  return { calls: latencies.length, failures, p50: at(0.5), p99: at(0.99), max: at(1) };
}
