import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { compilePatterns, type Matcher } from '../lib/pattern.ts';
import { toAddressGroup } from '../lib/address-group.ts';
import { countKeys, toLimitKey, type LimitedRequest, type LimitKey } from './limit-key.ts';
import type { Member } from './elsewhere.ts';
import { LimitLedger, type LimitNews, type LimitSummary } from './limit-news.ts';
import { createRateGate, type RateGate } from './rate-gate.ts';
import { createSlots, releaseSlot, takeSlot, type Slot, type Slots } from './slots.ts';

/** `requests` at once, and the same again within `within` milliseconds, evenly. */
export interface RateLimit {
  readonly per: LimitKey;
  readonly requests: number;
  readonly within: number;
  /** Identities of routes; empty: all. */
  readonly routes: readonly string[];
  /** Patterns of tools; empty: every request. */
  readonly tools: readonly string[];
}

/** How many may run at the same time. */
export interface ConcurrencyLimit {
  readonly per: LimitKey;
  readonly calls: number | undefined;
  readonly streams: number | undefined;
  /** Identities of routes; empty: all. */
  readonly routes: readonly string[];
}

/** What limits say about a request. */
export type LimitOutcome =
  | {
      readonly kind: 'ok';
      /** Ends the call or stream. Counts once, however often it is called. */
      leave(): void;
    }
  | LimitRefusal;

export interface LimitRefusal {
  readonly kind: 'limited';
  /** Whole seconds, at least 1: for `Retry-After`. */
  readonly retryAfter: number;
  /** The limit, for people: `100 requests in 1m by principal`. */
  readonly which: string;
}

export interface Limits {
  /**
   * Counts a request by its address against the rates `per: 'address'` that name neither routes nor tools; `undefined` lets
   * it in. For the very beginning, before anything of the request is believed. `enter` does not count these again.
   */
  admitUnauthenticated(address: string): LimitRefusal | undefined;
  /** Counts a request against all other limits, or against none of them when one refuses it. */
  enter(request: LimitedRequest): LimitOutcome;
  /**
   * Counts a batch as if each of its messages had come alone at this moment: all of them against all limits, those of the door too, which
   * has counted one; or none of them. `tools` says how many messages call each tool, and how many call none; of `request` the tool is not read.
   */
  enterBatch(request: LimitedRequest, tools: ReadonlyMap<string | undefined, number>): LimitOutcome;
  /** What was counted here since the last time; `undefined` for nothing, and where the limits are not shared. */
  readNews(): LimitNews | undefined;
  /** Counts what another process has counted. */
  hear(member: Member, news: LimitNews): void;
  /** A process that shared the limits is no more, or nothing is known of it any more. */
  forget(member: Member): void;
  /** All that is counted here. */
  summarise(): LimitSummary;
  /** Takes up a part of what another process summarised; twice does no harm. */
  hearSummary(member: Member, summary: LimitSummary): void;
}

export interface LimitsOptions {
  readonly rates: readonly RateLimit[];
  readonly concurrency: readonly ConcurrencyLimit[];
  readonly clock: Clock;
  /** Most keys that each rate remembers; 65,536 unless given, at most about 8 MiB a rate. */
  readonly keys?: number;
  /** Notes what is counted, for other processes; see `readNews`. */
  readonly isShared?: boolean;
}

interface Rate {
  /** Place in the configuration. */
  readonly at: number;
  readonly per: LimitKey;
  readonly name: string;
  readonly gate: RateGate;
  readonly routes: ReadonlySet<string> | undefined;
  readonly isTool: Matcher | undefined;
}

interface Concurrency {
  readonly per: LimitKey;
  readonly calls: LimitRefusal;
  readonly streams: LimitRefusal;
  readonly slots: Slots;
  readonly routes: ReadonlySet<string> | undefined;
}

const DEFAULT_KEYS = 65_536;

/** Most keys of a rate in a summary. */
const MOST_SUMMARISED = 10_000;

/** Tools that one batch may call: names that nobody has would push out the counts of those that are in use. */
const MOST_TOOLS = 1024;
const tooManyTools: LimitRefusal = {
  kind: 'limited',
  retryAfter: 1,
  which: `${MOST_TOOLS} tools in a batch`,
};

/** Nothing to undo: rates are not given back. */
const entered: LimitOutcome = { kind: 'ok', leave: () => undefined };

/** Builds all limits of the gateway. Both entries decide at once and wait for nothing. */
export function createLimits(options: LimitsOptions): Limits {
  const { clock, keys = DEFAULT_KEYS } = options;
  const { isShared = false } = options;
  const name = hash('sha256', JSON.stringify([options.rates, options.concurrency]), 'base64url');
  const ledger = isShared
    ? new LimitLedger({
        limits: name,
        rates: options.rates.length,
        concurrency: options.concurrency.length,
      })
    : undefined;
  const rates = options.rates.map((rate, at) => buildRate(rate, at, keys));
  const atDoor = rates.filter(isForDoor);
  const inside = rates.filter((rate) => !isForDoor(rate));
  const concurrency = options.concurrency.map((limit, at) => buildConcurrency(limit, at, ledger));
  // Filled anew by each request: the key by which each rate counts it.
  const rateKeys: (string | undefined)[] = [];
  const toKeys = (request: LimitedRequest): readonly (string | undefined)[] => {
    for (const [at, rate] of inside.entries()) rateKeys[at] = keyFor(rate, request);
    return rateKeys;
  };
  return {
    admitUnauthenticated: (address) =>
      atDoor.length === 0
        ? undefined
        : takeAtDoor(atDoor, { key: toAddressGroup(address), now: clock.monotonic(), ledger }),
    enter(request) {
      const now = inside.length === 0 ? 0 : clock.monotonic();
      const refusal = inside.length === 0 ? undefined : findRefusal(inside, toKeys(request), now);
      if (refusal !== undefined) return refusal;
      const slots: Slot[] = [];
      const full = findFull(concurrency, request, slots);
      if (full !== undefined) return full;
      for (const [at, rate] of inside.entries()) {
        const key = rateKeys[at];
        if (key === undefined) continue;
        rate.gate.take(key, now);
        ledger?.took(rate.at, key);
      }
      return slots.length === 0 ? entered : takeSlots(slots, request.isStream);
    },
    enterBatch(request, tools) {
      if (tools.size > MOST_TOOLS) return tooManyTools;
      const now = clock.monotonic();
      const charges = rates.flatMap((rate) => listCharges(rate, request, tools));
      const refusal = findBatchRefusal(charges, now);
      if (refusal !== undefined) return refusal;
      const shares: SlotShare[] = [];
      for (const limit of concurrency) {
        for (const [key, count] of countKeys(tools, (tool) => slotKeyFor(limit, { ...request, tool }))) {
          const slot = limit.slots.get(key);
          if (!limit.slots.hasRoom(slot, request.isStream, count))
            return request.isStream ? limit.streams : limit.calls;
          shares.push({ slot, count });
        }
      }
      for (const { rate, key, count } of charges) {
        rate.gate.take(key, now, count);
        ledger?.took(rate.at, key, count);
      }
      return takeShares(shares, request.isStream);
    },
    readNews: () => ledger?.read(),
    hear(member, news) {
      if (news.limits !== name) return;
      const now = clock.monotonic();
      for (const [at, taken] of news.taken.entries())
        for (const [key, count] of taken) rates[at]?.gate.takeElsewhere(key, count, now);
      for (const [at, running] of news.running.entries())
        for (const [key, count] of running) concurrency[at]?.slots.elsewhere.set(member, key, count);
    },
    forget(member) {
      for (const { slots } of concurrency) slots.elsewhere.forget(member);
    },
    summarise() {
      const now = clock.monotonic();
      return {
        limits: name,
        spent: rates.map(({ gate }) => gate.listSpent(now, MOST_SUMMARISED)),
        running: concurrency.map(({ slots }) => slots.listRunning()),
      };
    },
    hearSummary(member, summary) {
      if (summary.limits !== name) return;
      const now = clock.monotonic();
      for (const [at, spent] of summary.spent.entries())
        for (const [key, requests] of spent) rates[at]?.gate.setSpent(key, requests, now);
      for (const [at, running] of summary.running.entries())
        for (const [key, count] of running) concurrency[at]?.slots.elsewhere.set(member, key, count);
    },
  };
}

function buildRate(limit: RateLimit, at: number, keys: number): Rate {
  const { per, requests, within, routes, tools } = limit;
  return {
    at,
    per,
    name: `${requests} requests in ${formatDuration(within)} by ${per}`,
    gate: createRateGate({ requests, within, keys }),
    routes: toSet(routes),
    isTool: compilePatterns(tools),
  };
}

function buildConcurrency(
  { per, calls, streams, routes }: ConcurrencyLimit,
  at: number,
  ledger: LimitLedger | undefined,
): Concurrency {
  // When one of those that run will end, nobody knows.
  const refuse = (count: number | undefined, kind: string): LimitRefusal => ({
    kind: 'limited',
    retryAfter: 1,
    which: `${count} ${kind} at a time by ${per}`,
  });
  return {
    per,
    calls: refuse(calls, 'calls'),
    streams: refuse(streams, 'streams'),
    slots: createSlots(
      { calls, streams },
      ledger === undefined ? undefined : (key, running) => ledger.changed(at, key, running),
    ),
    routes: toSet(routes),
  };
}

function toSet(routes: readonly string[]): ReadonlySet<string> | undefined {
  return routes.length === 0 ? undefined : new Set(routes);
}

function isForDoor({ per, routes, isTool }: Rate): boolean {
  return per === 'address' && routes === undefined && isTool === undefined;
}

function takeAtDoor(
  rates: readonly Rate[],
  {
    key,
    now,
    ledger,
  }: { readonly key: string; readonly now: number; readonly ledger: LimitLedger | undefined },
): LimitRefusal | undefined {
  const refusal = findRefusal(
    rates,
    rates.map(() => key),
    now,
  );
  if (refusal !== undefined) return refusal;
  for (const { gate, at } of rates) {
    gate.take(key, now);
    ledger?.took(at, key);
  }
  return undefined;
}

/** Of several that refuse, the one that does so for the longest: trying again sooner would be in vain. */
function findRefusal(
  rates: readonly Rate[],
  keys: readonly (string | undefined)[],
  now: number,
): LimitRefusal | undefined {
  let longest = 0;
  let name = '';
  for (const [at, rate] of rates.entries()) {
    const key = keys[at];
    const wait = key === undefined ? 0 : rate.gate.waitFor(key, now);
    if (wait <= longest) continue;
    longest = wait;
    ({ name } = rate);
  }
  return longest === 0 ? undefined : toRefusal(name, longest);
}

function toRefusal(which: string, wait: number): LimitRefusal {
  return { kind: 'limited', retryAfter: Math.ceil(wait / 1000), which };
}

/** Puts the slots that the request would take into `slots`; the refusal where one has no room. */
function findFull(
  concurrency: readonly Concurrency[],
  request: LimitedRequest,
  slots: Slot[],
): LimitRefusal | undefined {
  for (const limit of concurrency) {
    const key = slotKeyFor(limit, request);
    if (key === undefined) continue;
    const slot = limit.slots.get(key);
    if (!limit.slots.hasRoom(slot, request.isStream)) return request.isStream ? limit.streams : limit.calls;
    slots.push(slot);
  }
  return undefined;
}

function takeSlots(slots: readonly Slot[], isStream: boolean): LimitOutcome {
  for (const slot of slots) takeSlot(slot, isStream);
  return buildAdmission(() => {
    for (const slot of slots) releaseSlot(slot, isStream);
  });
}

/** Let in; what was taken is released once, however often it leaves. */
function buildAdmission(release: () => void): LimitOutcome {
  let isOver = false;
  return {
    kind: 'ok',
    leave() {
      if (isOver) return;
      isOver = true;
      release();
    },
  };
}

/** What a batch costs at one key of a rate. */
interface Charge {
  readonly rate: Rate;
  readonly key: string;
  readonly count: number;
}

/** What a batch takes of one slot. */
interface SlotShare {
  readonly slot: Slot;
  readonly count: number;
}

function listCharges(
  rate: Rate,
  request: LimitedRequest,
  tools: ReadonlyMap<string | undefined, number>,
): readonly Charge[] {
  const counts = countKeys(tools, (tool) => keyFor(rate, { ...request, tool }));
  const paid = isForDoor(rate) ? 1 : 0;
  return [...counts].map(([key, count]) => ({ rate, key, count: count - paid }));
}

function findBatchRefusal(charges: readonly Charge[], now: number): LimitRefusal | undefined {
  let longest = 0;
  let name = '';
  for (const { rate, key, count } of charges) {
    const wait = rate.gate.waitFor(key, now, count);
    if (wait <= longest) continue;
    longest = wait;
    ({ name } = rate);
  }
  return longest === 0 ? undefined : toRefusal(name, longest);
}

function takeShares(shares: readonly SlotShare[], isStream: boolean): LimitOutcome {
  for (const { slot, count } of shares) takeSlot(slot, isStream, count);
  return buildAdmission(() => {
    for (const { slot, count } of shares) releaseSlot(slot, isStream, count);
  });
}

function keyFor({ per, routes, isTool }: Rate, request: LimitedRequest): string | undefined {
  if (routes !== undefined && !routes.has(request.route)) return undefined;
  if (isTool !== undefined && (request.tool === undefined || !isTool(request.tool))) return undefined;
  return toLimitKey(per, request);
}

function slotKeyFor({ per, routes }: Concurrency, request: LimitedRequest): string | undefined {
  return routes === undefined || routes.has(request.route) ? toLimitKey(per, request) : undefined;
}
