import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { explainFileError, hasCode } from '../lib/file-errors.ts';
import { GatewayError } from '../lib/gateway-error.ts';
import { parseJsonObject } from '../lib/json.ts';
import { pause } from '../lib/pause.ts';
import { readFileIfThere } from '../lib/read-if-there.ts';
import { isProcessGone, readProcessIdentity, type ProcessIdentity } from './process-identity.ts';

export interface LockOptions {
  /** Absolute path of the lock file; its directory exists. */
  readonly path: string;
  readonly clock: Clock;
  /** Ends the waiting; the promise rejects with its reason. A lock that was taken stays until `release`. */
  readonly signal: AbortSignal;
  /** 0 to below 1; spreads the looks of processes that wait. */
  readonly random?: () => number;
}

/** A lock that is held. */
export interface Lock {
  /** Aborted when another process has taken the lock, or may have: what the lock protects must stop at once. */
  readonly lost: AbortSignal;
  /** Lets go. Removes the file only while it is still ours; never rejects. */
  release(): Promise<void>;
}

/** How often a holder shows that it lives, and how long a file may stay as it is before the holder counts as dead. */
const beatMilliseconds = 5000;
const staleMilliseconds = 15_000;
/** A holder that could not show its life for so long gives up, before others take over. */
const giveUpMilliseconds = 10_000;
const lookMilliseconds = 1000;

/**
 * Waits for a lock file that processes on a shared directory agree on, also on different hosts. Whether a holder is dead is
 * judged by watching its file on the own monotonic clock, so clocks that differ or jump do no harm; on the same machine a
 * dead process is seen at once. Rejects with a GatewayError (E_STATE_UNWRITABLE) where no file can be made.
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { path, clock, signal, random = Math.random } = options;
  const own = { ...readProcessIdentity(), token: randomBytes(12).toString('hex') };
  let seen: string | undefined;
  let since = 0;
  for (;;) {
    signal.throwIfAborted();
    const content = await readLockFile(path);
    if (content === undefined) {
      const handle = await place(path, own);
      if (handle !== undefined) return hold({ path, clock, handle, own });
      continue;
    }
    if (content !== seen) {
      seen = content;
      since = clock.monotonic();
    }
    const holder = parseHolder(content);
    const dead = holder !== undefined && isProcessGone(holder, own);
    if (dead || clock.monotonic() - since >= staleMilliseconds) {
      await breakLock(path, content);
      continue;
    }
    await pause(clock, lookMilliseconds * (1 + random() / 4), signal);
  }
}

interface Holder extends ProcessIdentity {
  readonly token: string;
}

/** Beats are written over each other in place, so every one has the same length. */
function toContent(own: Holder, beat: number): string {
  return `${JSON.stringify({ ...own, beat: String(beat).padStart(12, '0') })}\n`;
}

function parseHolder(content: string): Holder | undefined {
  const { pid, host, token } = parseJsonObject(content) ?? {};
  return typeof pid === 'number' && typeof host === 'string' && typeof token === 'string'
    ? { pid, host, token }
    : undefined;
}

/**
 * Creates the file with its content in one step; undefined when there is one. The handle stays on this very file,
 * whatever its name.
 */
async function place(path: string, own: Holder): Promise<FileHandle | undefined> {
  const temporary = `${path}.${own.token}.tmp`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx+', 0o600);
    await handle.writeFile(toContent(own, 0));
    await handle.sync();
    await linkOrRename(temporary, path);
    return handle;
  } catch (error) {
    await handle?.close();
    if (hasCode(error, 'EEXIST')) return undefined;
    throw toLockError(path, error);
  } finally {
    // Where the file could not be made there is nothing to remove, and the failure is on its way already.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Some file systems have no hard links; there two processes that come within the same instant may both win. */
async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const unsupported = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].some((code) => hasCode(error, code));
    if (!unsupported) throw error;
    await (await open(to, 'wx', 0o600)).close();
    await rename(from, to);
  }
}

/**
 * Takes a stale lock away. Another process may have done so already and hold a fresh one, which the rename would catch
 * instead: what was caught is looked at, and put back if it is not the stale one.
 */
async function breakLock(path: string, stale: string): Promise<void> {
  if ((await readLockFile(path)) !== stale) return;
  const caught = `${path}.${randomBytes(6).toString('hex')}.broken`;
  try {
    await rename(path, caught);
    // When somebody holds a third one by now, the owner of the caught one finds that out at its next beat.
    if ((await readLockFile(caught)) !== stale) await linkOrRename(caught, path).catch(() => undefined);
    await rm(caught, { force: true });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw toLockError(path, error);
  }
}

function hold(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly handle: FileHandle;
  readonly own: Holder;
}): Lock {
  const { path, clock, handle, own } = options;
  const lost = new AbortController();
  let beat = 0;
  let lastShown = clock.monotonic();
  let pending = Promise.resolve();

  /** Writes through the handle: if the lock was broken meanwhile, that hits the old file and not the new holder's. */
  const show = async (): Promise<void> => {
    beat++;
    const shownAt = clock.monotonic();
    try {
      const content = Buffer.from(toContent(own, beat));
      await handle.write(content, 0, content.length, 0);
      await handle.datasync();
      const found = await readLockFile(path);
      if (found === undefined || parseHolder(found)?.token !== own.token) {
        lost.abort(toLostError(path, 'another process has taken it'));
      }
      lastShown = shownAt;
    } catch (error) {
      if (clock.monotonic() - lastShown >= giveUpMilliseconds) {
        lost.abort(toLostError(path, explainFileError(error)));
      }
    }
  };
  const timer = clock.setInterval(() => {
    pending = pending.then(show);
  }, beatMilliseconds);

  let released: Promise<void> | undefined;
  const releaseOnce = async (): Promise<void> => {
    timer.cancel();
    await pending;
    const content = await readLockFile(path).catch(() => undefined);
    const mine = content !== undefined && parseHolder(content)?.token === own.token;
    // A file that stays is found stale by the next one that waits.
    if (mine) await rm(path, { force: true }).catch(() => undefined);
    await handle.close().catch(() => undefined);
  };
  return {
    lost: lost.signal,
    release() {
      released ??= releaseOnce();
      return released;
    },
  };
}

async function readLockFile(path: string): Promise<string | undefined> {
  try {
    return await readFileIfThere(path);
  } catch (error) {
    throw toLockError(path, error);
  }
}

function toLockError(path: string, cause: unknown): GatewayError {
  return new GatewayError('E_STATE_UNWRITABLE', `cannot lock \`${path}\`: ${explainFileError(cause)}`, {
    cause,
  });
}

function toLostError(path: string, reason: string): GatewayError {
  return new GatewayError('E_STATE_UNWRITABLE', `lost the lock \`${path}\`: ${reason}`);
}
