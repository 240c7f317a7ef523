import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';
import { toFreeSlot } from './issuance-ledger.ts';

/** Counts the orders of one account, over all names and restarts. */
export interface OrderLedger {
  /**
   * Takes a place for one order. Returns the wall-clock moment from which on there is one, or `undefined` when it was taken.
   * Rejects with a GatewayError (E_STATE_UNWRITABLE).
   */
  take(issuer: string): Promise<number | undefined>;
}

const fileName = 'orders.json';
const span = 10_800_000;
const stored = z.object({ orders: z.array(z.number().finite()) });

/**
 * Keeps `acme/<issuer>/orders.json` in the state directory, beside the account that is counted, and a count of its own by
 * the monotonic clock, which no one can set.
 */
export function createOrderLedger(options: {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly ordersPerThreeHours: number;
}): OrderLedger {
  const { clock, ordersPerThreeHours: count } = options;
  const own = new Map<string, readonly number[]>();
  let last: Promise<unknown> = Promise.resolve();

  const takeOnce = async (issuer: string): Promise<number | undefined> => {
    const now = clock.now();
    const elapsed = clock.monotonic();
    const counted = (own.get(issuer) ?? []).filter((at) => at > elapsed - span);
    const directory = join(options.stateDir, 'acme', issuer);
    const orders = (await readOrders(join(directory, fileName))).filter((at) => at > now - span && at <= now);
    const free = Math.max(
      toFreeSlot({ times: orders, count, span, now }),
      now + (toFreeSlot({ times: counted, count, span, now: elapsed }) - elapsed),
    );
    if (free > now) return free;
    own.set(issuer, [...counted, elapsed]);
    await ensurePrivateDirectory(directory);
    const data = `${JSON.stringify({ orders: [...orders, now] })}\n`;
    await writeFileAtomically(directory, { name: fileName, data, mode: 0o600 });
    return undefined;
  };
  return {
    take(issuer) {
      const taken = last.then(() => takeOnce(issuer));
      last = taken.catch(() => undefined);
      return taken;
    },
  };
}

/** A file that cannot be read counts nothing: the authority's own limit still stands. */
async function readOrders(path: string): Promise<readonly number[]> {
  try {
    return stored.parse(JSON.parse(await readFile(path, 'utf8'))).orders;
  } catch {
    return [];
  }
}
