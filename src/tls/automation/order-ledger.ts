import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../lib/clock.ts';
import { isGatewayError } from '../../lib/gateway-error.ts';
import { parseJson } from '../../lib/json.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';
import type { SharedText, SharedTexts } from '../../state/shared-text.ts';
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
const MOST_ATTEMPTS = 5;
const stored = z.object({ orders: z.array(z.number().finite()) });

/**
 * Keeps `acme/<issuer>/orders.json` in the state directory, beside the account that is counted, and a count of its own by
 * the monotonic clock, which no one can set. Where replicas share the account, what they have ordered is counted as well, as long as it
 * can be known.
 */
export function createOrderLedger(options: {
  readonly stateDir: string;
  /** Where replicas that share the account count together. */
  readonly shared?: SharedTexts | undefined;
  readonly clock: Clock;
  readonly ordersPerThreeHours: number;
}): OrderLedger {
  const { clock, ordersPerThreeHours: count } = options;
  const own = new Map<string, readonly number[]>();
  const queue = new SerialQueue();

  const takeOnce = async (issuer: string): Promise<number | undefined> => {
    const now = clock.now();
    const elapsed = clock.monotonic();
    const counted = (own.get(issuer) ?? []).filter((at) => at > elapsed - span);
    const directory = join(options.stateDir, 'acme', issuer);
    const known = [
      ...(await readOrders(join(directory, fileName))),
      ...(await readShared(options.shared?.(toSharedName(issuer)))),
    ];
    const orders = [...new Set(known)].filter((at) => at > now - span && at <= now);
    const free = Math.max(
      toFreeSlot({ times: orders, count, span, now }),
      now + (toFreeSlot({ times: counted, count, span, now: elapsed }) - elapsed),
    );
    if (free > now) return free;
    own.set(issuer, [...counted, elapsed]);
    await ensurePrivateDirectory(directory);
    const data = `${JSON.stringify({ orders: [...orders, now] })}\n`;
    await writeFileAtomically(directory, { name: fileName, data, mode: 0o600 });
    await addShared(options.shared?.(toSharedName(issuer)), { at: now, after: now - span });
    return undefined;
  };
  return {
    take: (issuer) => queue.run(() => takeOnce(issuer)),
  };
}

function toSharedName(issuer: string): string {
  return `acme/${issuer}/${fileName}`;
}

/** While Redis is away the own count has to do, which is far below what authorities allow. */
async function readShared(shared: SharedText | undefined): Promise<readonly number[]> {
  try {
    const text = await shared?.read();
    return text === undefined ? [] : parseOrders(text);
  } catch (error) {
    if (isGatewayError(error)) return [];
    throw error;
  }
}

/**
 * Two replicas may order at the same moment: the one whose text was overtaken adds to the new one. What cannot be added is missing from
 * the common count alone: the place is taken, and the connection tells of an outage.
 */
async function addShared(
  shared: SharedText | undefined,
  { at, after }: { readonly at: number; readonly after: number },
): Promise<void> {
  if (shared === undefined) return;
  const { signal } = new AbortController();
  try {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const before = await shared.read();
      const orders = (before === undefined ? [] : parseOrders(before)).filter((other) => other > after);
      const text = `${JSON.stringify({ orders: [...orders, at] })}\n`;
      if (await shared.replace({ before, text, signal })) return;
    }
  } catch (error) {
    if (!isGatewayError(error)) throw error;
  }
}

/**
 * Damage counts as no orders, and the next one writes the text anew: nothing can be done about it, renewals must go on, and the
 * authority counts as well.
 */
function parseOrders(text: string): readonly number[] {
  return stored.safeParse(parseJson(text)).data?.orders ?? [];
}

/** A file that cannot be read counts nothing, for the same reasons; who cannot write it either orders nothing. */
async function readOrders(path: string): Promise<readonly number[]> {
  try {
    return parseOrders(await readFile(path, 'utf8'));
  } catch {
    return [];
  }
}
