import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { toErrorMessage } from '../../lib/error-message.ts';
import { isGatewayError } from '../../lib/gateway-error.ts';
import { parseJsonObject } from '../../lib/json.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';
import { isPrivateFile } from '../../state/private-file.ts';
import { createLookLoop } from '../files/look-loop.ts';

export interface TicketKeysOptions {
  /** Absolute path; the keys lie in `tls/ticket-keys.json` below it. */
  readonly stateDir: string;
  readonly clock: Clock;
  /** Told once when the keys cannot be kept there and are this process's own (E_STATE_UNWRITABLE). */
  readonly report: (warning: Diagnostic) => void;
  readonly onRotate: (keys: Buffer) => void;
}

/** The keys that session tickets are sealed with. */
export interface TicketKeys {
  /** 16 bytes each of key name, HMAC key and AES key (Node, `server.setTicketKeys`). */
  readonly current: Buffer;
  /** From now on they are the same in all processes of the state directory; nothing is read or written before. Resolves when they are. */
  share(): Promise<void>;
  /** Looks now whether the keys are due, or another process has made new ones; also happens by itself, each minute. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

interface DatedKeys {
  readonly keys: Buffer;
  /** Wall-clock milliseconds. */
  readonly createdAt: number;
}

const fileName = 'ticket-keys.json';
const keyBytes = 48;
/** Whoever steals the keys can read what was recorded while they were in use (RFC 5077 section 5.5), so they last for half a day. */
const lifetime = 12 * 3_600_000;
const lookInterval = 60_000;
/** How far the clocks of processes that share a directory over the network may lie apart. */
const clockSkew = 60_000;

/** Makes keys and replaces them in time. Old keys are not kept: their tickets cost one full handshake. */
export function createTicketKeys(options: TicketKeysOptions): TicketKeys {
  const { clock, stateDir, report } = options;
  const directory = join(stateDir, 'tls');
  const path = join(directory, fileName);
  const make = (): DatedKeys => ({ keys: randomBytes(keyBytes), createdAt: clock.now() });
  let current = make();
  let isShared = false;
  let told = false;
  /** The version of the file that `current` is in; undefined while it is in none. */
  let version: string | undefined;

  const isFresh = ({ createdAt }: DatedKeys): boolean => {
    const age = clock.now() - createdAt;
    return age >= -clockSkew && age < lifetime;
  };
  const load = async (): Promise<void> => {
    const found = await readVersion(path);
    const loaded = found === undefined ? undefined : await readKeys(path);
    version = undefined;
    if (loaded === undefined || !isFresh(loaded)) return;
    current = loaded;
    version = found;
  };
  const keep = async (): Promise<void> => {
    try {
      await ensurePrivateDirectory(directory);
      const data = JSON.stringify({ createdAt: current.createdAt, keys: current.keys.toString('base64') });
      await writeFileAtomically(directory, { name: fileName, data, mode: 0o600 });
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (told) return;
      told = true;
      const message = `${error.message}; session tickets are good in this process only`;
      report({ severity: 'warning', code: error.code, message });
      return;
    }
    // Of two processes that made keys at the same moment the later one wins, also here.
    await load();
  };
  const look = async (): Promise<undefined> => {
    const previous = current;
    if (isShared && (version === undefined || (await readVersion(path)) !== version)) await load();
    if (!isFresh(current)) {
      current = make();
      version = undefined;
    }
    if (isShared && version === undefined) await keep();
    if (!current.keys.equals(previous.keys)) options.onRotate(current.keys);
  };
  const loop = createLookLoop({
    clock,
    look,
    watch(onChange) {
      // Looking every minute instead of sleeping for half a day survives suspended machines and clocks that are set.
      const timer = clock.setInterval(onChange, lookInterval);
      return { close: () => timer.cancel() };
    },
    onFailure(error) {
      const reason = toErrorMessage(error);
      report({
        severity: 'warning',
        code: 'E_INTERNAL',
        message: `looking after ticket keys failed: ${reason}`,
      });
    },
  });
  return {
    get current() {
      return current.keys;
    },
    share() {
      isShared = true;
      return loop.refresh();
    },
    refresh: () => loop.refresh(),
    close: () => loop.close(),
  };
}

/** Changes with each replacement of the file; `undefined` when it cannot be used because others could read or have written it. */
async function readVersion(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return isPrivateFile(found) ? `${found.ino} ${found.mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}

/** `undefined` for a file that is gone or damaged: new keys take its place. */
async function readKeys(path: string): Promise<DatedKeys | undefined> {
  try {
    const value = parseJsonObject(await readFile(path, 'utf8'));
    if (value === undefined) return undefined;
    const { createdAt, keys } = value;
    if (typeof createdAt !== 'number' || typeof keys !== 'string') return undefined;
    const bytes = Buffer.from(keys, 'base64');
    return bytes.length === keyBytes ? { keys: bytes, createdAt } : undefined;
  } catch {
    return undefined;
  }
}
