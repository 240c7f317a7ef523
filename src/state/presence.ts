import { randomBytes } from 'node:crypto';
import { readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { parseJsonObject } from '../lib/json.ts';
import { ensurePrivateDirectory, listDirectory, writeFileAtomically } from './directory.ts';
import { isProcessGone, readProcessIdentity, type ProcessIdentity } from './process-identity.ts';

/** Tells other processes that this one works on a state directory. */
export interface Presence {
  /** Takes the sign down; never rejects. */
  close(): Promise<void>;
}

const beatMilliseconds = 1_800_000;
/** For processes on other hosts, which only their file tells about. */
const staleMilliseconds = 3 * beatMilliseconds;

/**
 * Puts `processes/<pid>-<random>.json` into a state directory, touches it every half hour, and removes what processes
 * left behind that died. Rejects with a GatewayError (E_STATE_UNWRITABLE).
 */
export async function announcePresence(options: {
  readonly stateDir: string;
  readonly clock: Clock;
}): Promise<Presence> {
  const { stateDir, clock } = options;
  const directory = join(stateDir, 'processes');
  const own = readProcessIdentity();
  const name = `${own.pid}-${randomBytes(4).toString('hex')}.json`;
  await ensurePrivateDirectory(directory);
  for (const left of await listProcesses(stateDir)) {
    // What cannot be removed is seen to be of a dead process by everybody else, too.
    if (isProcessGone(left.identity, own)) await rm(left.path, { force: true }).catch(() => undefined);
  }
  await writeFileAtomically(directory, { name, data: `${JSON.stringify(own)}\n`, mode: 0o600 });
  const path = join(directory, name);
  const timer = clock.setInterval(() => {
    const now = new Date();
    // On a disk that cannot be written the sign goes stale; the traffic matters more.
    utimes(path, now, now).catch(() => undefined);
  }, beatMilliseconds);
  return {
    async close() {
      timer.cancel();
      // What stays counts for nothing once the process is gone, and on other hosts once it is stale.
      await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

/**
 * True when some other process, here or on another host, works on this state directory. Rejects with a GatewayError (E_STATE_UNWRITABLE)
 * where nobody can tell, since it may not be read.
 */
export async function isAnyPresent(stateDir: string): Promise<boolean> {
  const own = readProcessIdentity();
  const processes = await listProcesses(stateDir);
  return processes.some(({ identity, age }) =>
    identity.host === own.host
      ? identity.pid !== own.pid && !isProcessGone(identity, own)
      : age < staleMilliseconds,
  );
}

interface ListedProcess {
  readonly path: string;
  readonly identity: ProcessIdentity;
  /** Milliseconds since the file was touched. */
  readonly age: number;
}

async function listProcesses(stateDir: string): Promise<readonly ListedProcess[]> {
  const directory = join(stateDir, 'processes');
  const entries = await listDirectory(directory);
  const read = entries
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readProcess(join(directory, name)));
  return (await Promise.all(read)).filter((found) => found !== undefined);
}

/** A file that went away meanwhile, or says nothing, stands for no process. */
async function readProcess(path: string): Promise<ListedProcess | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const { pid, host } = parseJsonObject(text) ?? {};
    if (typeof pid !== 'number' || typeof host !== 'string') return undefined;
    return { path, identity: { pid, host }, age: Date.now() - mtimeMs };
  } catch {
    return undefined;
  }
}
