import { execFile } from 'node:child_process';
import type { Clock, Timer } from '../../lib/clock.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { hasCode } from '../../lib/file-errors.ts';
import { toPrintableLine } from '../../lib/printable.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';

/** What whoever started the gateway as a service wants to know of it (sd_notify(3)). Never rejects: a service runs without it, too. */
export interface ServiceManager {
  /** It serves; also after a reload. `status` is one line for `systemctl status`. */
  ready(status: string): void;
  reloading(): void;
  /** It drains, and may take so many milliseconds for it. */
  stopping(drain: number): void;
  /** Tells nothing more; resolves once all has been told. */
  close(): Promise<void>;
}

export interface ServiceManagerOptions {
  readonly clock: Clock;
  readonly pid: number;
  /** Runs `systemd-notify` with these assignments. */
  readonly run: (assignments: readonly string[], env: NodeJS.ProcessEnv) => Promise<void>;
  /** Microseconds of CLOCK_MONOTONIC; `undefined` where the runtime does not tell it. */
  readonly monotonic: () => bigint | undefined;
  readonly warn: (problem: string) => void;
}

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;
const RUN_MILLISECONDS = 10_000;
/** Between the end of draining and the end of the process. */
const SPARE_MILLISECONDS = 5000;
const LONGEST_STATUS = 200;

/**
 * Takes the variables of the service manager out of the environment, so that no child speaks for the gateway; does nothing where there
 * are none. What is to be told goes through the program `systemd-notify`, because Node has no datagram sockets of the kind that
 * NOTIFY_SOCKET is (https://github.com/nodejs/node/issues/29339).
 */
export function createServiceManager(env: NodeJS.ProcessEnv, options: ServiceManagerOptions): ServiceManager {
  const { clock, pid, run, monotonic, warn } = options;
  const [socket, watchdog, watchdogPid] = VARIABLES.map((name) => env[name]);
  for (const name of VARIABLES) delete env[name];
  if (socket === undefined || socket === '') return silent;
  const queue = new SerialQueue();
  let isHeard = true;
  let isWarned = false;
  const tell = (...assignments: readonly string[]): Promise<void> =>
    queue.run(async () => {
      if (!isHeard) return;
      try {
        await run(assignments, { PATH: env['PATH'], NOTIFY_SOCKET: socket });
      } catch (error) {
        isHeard = !isMissing(error);
        if (!isWarned) warn(toReason(error));
        isWarned = true;
      }
    });
  const half = Number(watchdog) / 2000;
  const isWatched = half > 0 && (watchdogPid === undefined || watchdogPid === String(pid));
  let isTelling = false;
  let alive: Timer | undefined;
  // In the only process or the supervisor: it is told as long as the event loop there turns.
  const tellThatItLives = (): void => {
    if (isTelling) return;
    isTelling = true;
    void tell('WATCHDOG=1').finally(() => (isTelling = false));
  };
  return {
    ready(status) {
      void tell('READY=1', `STATUS=${toLine(status)}`);
      if (isWatched) alive ??= clock.setInterval(tellThatItLives, half);
    },
    reloading() {
      const now = monotonic();
      void tell('RELOADING=1', ...(now === undefined ? [] : [`MONOTONIC_USEC=${now}`]));
    },
    stopping(drain) {
      // The unit may be older than the drain time.
      const most = (drain + SPARE_MILLISECONDS) * 1000;
      void tell('STOPPING=1', 'STATUS=draining: calls finish', `EXTEND_TIMEOUT_USEC=${most}`);
    },
    async close() {
      alive?.cancel();
      await queue.settle();
    },
  };
}

const silent: ServiceManager = {
  ready: () => undefined,
  reloading: () => undefined,
  stopping: () => undefined,
  close: () => Promise.resolve(),
};

/** Runs the program, which waits until the manager has read what it was told. */
export function runSystemdNotify(assignments: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  execFile('systemd-notify', [...assignments], { env, timeout: RUN_MILLISECONDS }, (error) => {
    if (error === null) resolve();
    else reject(error);
  });
  return promise;
}

/** Node counts from where the system does; Bun from its own start. */
export function readMonotonicMicroseconds(): bigint | undefined {
  return process.versions.bun === undefined ? process.hrtime.bigint() / 1000n : undefined;
}

/** One line: what is told is lines of assignments, of which a text must not begin another. */
function toLine(text: string): string {
  return toPrintableLine(text, LONGEST_STATUS);
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}

function toReason(error: unknown): string {
  if (isMissing(error)) return 'there is no `systemd-notify`';
  return `\`systemd-notify\` failed: ${toErrorMessage(error).trim()}`;
}
