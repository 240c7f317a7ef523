import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import { pauseOrReject } from '../../lib/pause.ts';
import { toPrintableLine } from '../../lib/printable.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import { IssueError } from '../automation/issuer.ts';
import { toKeyAuthorizationDigest } from './authorization.ts';
import type { ChallengeSolver, PresentedChallenge } from './challenge.ts';

export interface DnsSolverOptions {
  /** Program and first arguments; `present` or `cleanup`, the record's name and its value follow. No shell is involved. */
  readonly command: readonly [string, ...string[]];
  /** Milliseconds from the end of the command until the record is visible everywhere. */
  readonly propagation: number;
  /** Milliseconds that one run may take. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Hears of records that could not be removed: the certificate does not depend on it, a tidy zone does. */
  readonly onCleanupError: (error: IssueError) => void;
}

type Action = 'present' | 'cleanup';

/** Characters of what the command printed that are kept, from the end. */
const longestOutput = 2000;
/** Milliseconds. */
const longestFarewell = 500;

/** Answers `dns-01` (RFC 8555 section 8.4) through a command of the user. Runs never overlap: it may edit a file. */
export function createDnsSolver(options: DnsSolverOptions): ChallengeSolver {
  const queue = new SerialQueue();
  const run = (action: Action, challenge: PresentedChallenge, signal?: AbortSignal): Promise<void> =>
    queue.run(() => runCommand(options, { action, challenge, signal }));
  return {
    type: 'dns-01',
    async present(challenge, signal) {
      await run('present', challenge, signal);
      await pauseOrReject(options.clock, options.propagation, signal);
    },
    async remove(challenge) {
      try {
        await run('cleanup', challenge);
      } catch (error) {
        options.onCleanupError(error as IssueError);
      }
    },
  };
}

async function runCommand(
  options: DnsSolverOptions,
  call: {
    readonly action: Action;
    readonly challenge: PresentedChallenge;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { command, timeout, clock } = options;
  const { action, challenge, signal } = call;
  signal?.throwIfAborted();
  const record = `_acme-challenge.${challenge.name}`;
  const value = toKeyAuthorizationDigest(challenge.keyAuthorization).toString('base64url');
  const [program, ...first] = command;
  const child = spawn(program, [...first, action, record, value], {
    shell: false,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      BREAKWATER_DNS_ACTION: action,
      BREAKWATER_DNS_RECORD: record,
      BREAKWATER_DNS_VALUE: value,
    },
  });
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed = (printed + text).slice(-longestOutput);
  });
  let overdue = false;
  const timer = clock.setTimeout(() => {
    overdue = true;
    child.kill('SIGKILL');
  }, timeout);
  const onAbort = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const end = await waitForEnd(child);
    if (!child.stderr.readableEnded) await waitForOutput(child.stderr, clock);
    signal?.throwIfAborted();
    if (end === undefined) return;
    const reason = overdue ? `took longer than ${Math.round(timeout / 1000)} s` : end;
    const said = printed.trim() === '' ? '' : `: ${toPrintableLine(printed, 400)}`;
    throw new IssueError(
      'E_ACME_HOOK',
      `the DNS command \`${program} ${action} ${record}\` ${reason}${said}`,
    );
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
    child.stderr.destroy();
  }
}

/** Why the command failed; undefined when it did not. */
function waitForEnd(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(`cannot be run (${error.code ?? error.message})`),
    );
    child.once('exit', (status, killer) => {
      if (status === 0) resolve(undefined);
      else resolve(killer === null ? `ended with status ${status}` : `was ended by ${killer}`);
    });
  });
}

/** The last words of a command may come after its end, or never where a child of it holds the pipe. */
function waitForOutput(stream: Readable, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(resolve, longestFarewell);
    stream.once('close', () => {
      timer.cancel();
      resolve();
    });
  });
}
