/** A program: the client of `steady-caller.ts`. */
import { createHistogram } from 'node:perf_hooks';
import { Pool } from 'undici';
import { buildCall } from './messages.ts';
import type { CallerCommand, CallReport } from './steady-caller-protocol.ts';

const ANSWER_LIMIT_MILLISECONDS = 30_000;
const KEEP_ALIVE_MILLISECONDS = 600_000;
const HTTP1_CONNECTIONS = 8;

const microseconds = createHistogram();
const under = new Set<Promise<void>>();
const pools: Pool[] = [];
const body = buildCall({ size: 300 });
let answered = 0;
let failures: Record<string, number> = {};
let timer: NodeJS.Timeout | undefined;

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void obey(message as CallerCommand).then((answer) => process.send?.(answer));
});

async function obey(command: CallerCommand): Promise<CallReport> {
  switch (command.kind) {
    case 'start':
      pools.push(createPool(command, false), createPool(command, true));
      // As many at a time as there are connections, so that all of them are open from now on.
      await Promise.all(
        pools.flatMap((pool) =>
          Array.from({ length: HTTP1_CONNECTIONS }, () => call(pool, performance.now())),
        ),
      );
      keepPace(command.perSecond);
      return report();
    case 'report':
      return report();
    case 'stop':
      clearTimeout(timer);
      await Promise.all(under);
      return report();
  }
}

function createPool({ port, ca }: Extract<CallerCommand, { kind: 'start' }>, allowH2: boolean): Pool {
  return new Pool(`https://localhost:${port}`, {
    connect: { ca, autoSelectFamily: false, host: '127.0.0.1' },
    connections: allowH2 ? 1 : HTTP1_CONNECTIONS,
    pipelining: allowH2 ? 100 : 1,
    allowH2,
    keepAliveTimeout: KEEP_ALIVE_MILLISECONDS,
    headersTimeout: ANSWER_LIMIT_MILLISECONDS,
    bodyTimeout: ANSWER_LIMIT_MILLISECONDS,
  });
}

/** Starts every call that is due, then sleeps until the next one is. */
function keepPace(perSecond: number): void {
  const startedAt = performance.now();
  let made = 0;
  const next = (): void => {
    for (;;) {
      const due = startedAt + (1000 * (made + 1)) / perSecond;
      const wait = due - performance.now();
      if (wait > 0) {
        timer = setTimeout(next, wait);
        return;
      }
      const pool = pools[made % pools.length];
      made++;
      if (pool === undefined) return;
      const done = call(pool, due).finally(() => under.delete(done));
      under.add(done);
    }
  };
  next();
}

async function call(pool: Pool, due: number): Promise<void> {
  try {
    const response = await pool.request({
      path: '/mcp',
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body,
    });
    await response.body.text();
    if (response.statusCode === 200) {
      answered++;
      microseconds.record(Math.max(1, Math.round(1000 * (performance.now() - due))));
    } else {
      fail(`status ${response.statusCode}`);
    }
  } catch (error) {
    fail(String(error));
  }
}

function fail(reason: string): void {
  failures[reason] = (failures[reason] ?? 0) + 1;
}

function report(): CallReport {
  const at = (percentile: number): number =>
    answered === 0 ? Number.NaN : microseconds.percentile(percentile) / 1000;
  const result = { answered, failures, p50: at(50), p99: at(99), longest: at(100) };
  microseconds.reset();
  answered = 0;
  failures = {};
  return result;
}
