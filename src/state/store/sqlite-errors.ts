import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/gateway-error.ts';

/** Result codes of SQLite (https://sqlite.org/rescode.html), without their extensions. */
const BUSY = 5;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const reasons: Readonly<Record<number, string>> = {
  5: 'another process holds it',
  8: 'it is read-only',
  10: 'the disk reports an error',
  13: 'the disk is full',
  14: 'it cannot be opened',
};

const PAUSE_MILLISECONDS = 20;
/** Five seconds, with the pauses. */
const ATTEMPTS = 250;

/** The result code behind an error; `undefined` when it is not one of SQLite. */
function resultOf(error: unknown): number | undefined {
  if (!(error instanceof Error && 'errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

export function isBusy(error: unknown): boolean {
  return resultOf(error) === BUSY;
}

/**
 * Does something with the database now and, where another process is writing just then, a little later: SQLite itself would wait
 * within the call, and the whole gateway with it. Errors of SQLite become GatewayErrors.
 */
export async function withDatabase<T>(path: string, work: () => T): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || attempt === ATTEMPTS) throw toStoreError(path, error);
    }
    await sleep(PAUSE_MILLISECONDS);
  }
}

export function toDamageError(path: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('E_STATE_DAMAGED', `\`${path}\` ${reason}`, { cause });
}

function toStoreError(path: string, error: unknown): unknown {
  const result = resultOf(error);
  if (result === undefined) return error;
  if (result === CORRUPT || result === NOT_A_DATABASE) return toDamageError(path, 'is damaged', error);
  const reason = reasons[result] ?? (error instanceof Error ? error.message : 'unknown reason');
  return new GatewayError('E_STATE_UNWRITABLE', `cannot use \`${path}\`: ${reason}`, { cause: error });
}
