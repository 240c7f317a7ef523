import type { Clock } from '../lib/clock.ts';
import { formatDuration } from '../lib/duration.ts';
import { compilePatterns, type Matcher } from '../lib/pattern.ts';
import { toAddressGroup } from './address-group.ts';
import { toLimitKey, type LimitedRequest, type LimitKey } from './limit-key.ts';
import { createRateGate, type RateGate } from './rate-gate.ts';
import { createSlots, releaseSlot, takeSlot, type Slot, type Slots } from './slots.ts';

/** `requests` at once, and the same again within `within` milliseconds, evenly. */
export interface RateLimit {
  readonly per: LimitKey;
  readonly requests: number;
  readonly within: number;
  /** Paths of routes; empty: all. */
  readonly routes: readonly string[];
  /** Patterns of tools; empty: every request. */
  readonly tools: readonly string[];
}

/** How many may run at the same time. */
export interface ConcurrencyLimit {
  readonly per: LimitKey;
  readonly calls: number | undefined;
  readonly streams: number | undefined;
  /** Paths of routes; empty: all. */
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
}

export interface LimitsOptions {
  readonly rates: readonly RateLimit[];
  readonly concurrency: readonly ConcurrencyLimit[];
  readonly clock: Clock;
  /** Most keys that each rate remembers; 65,536 unless given, at most about 8 MiB a rate. */
  readonly keys?: number;
}

interface Rate {
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

/** Nothing to undo: rates are not given back. */
const entered: LimitOutcome = { kind: 'ok', leave: () => undefined };

/** Builds all limits of the gateway. Both entries decide at once and wait for nothing. */
export function createLimits(options: LimitsOptions): Limits {
  const { clock, keys = DEFAULT_KEYS } = options;
  const rates = options.rates.map((rate) => buildRate(rate, keys));
  const atDoor = rates.filter(isForDoor);
  const inside = rates.filter((rate) => !isForDoor(rate));
  const concurrency = options.concurrency.map(buildConcurrency);
  // Filled anew by each request: the key by which each rate counts it.
  const rateKeys: (string | undefined)[] = [];
  const toKeys = (request: LimitedRequest): readonly (string | undefined)[] => {
    for (const [at, rate] of inside.entries()) rateKeys[at] = keyFor(rate, request);
    return rateKeys;
  };
  return {
    admitUnauthenticated: (address) =>
      atDoor.length === 0 ? undefined : takeAtDoor(atDoor, toAddressGroup(address), clock.monotonic()),
    enter(request) {
      const now = inside.length === 0 ? 0 : clock.monotonic();
      const refusal = inside.length === 0 ? undefined : findRefusal(inside, toKeys(request), now);
      if (refusal !== undefined) return refusal;
      const slots: Slot[] = [];
      const full = findFull(concurrency, request, slots);
      if (full !== undefined) return full;
      for (const [at, { gate }] of inside.entries()) {
        const key = rateKeys[at];
        if (key !== undefined) gate.take(key, now);
      }
      return slots.length === 0 ? entered : takeSlots(slots, request.isStream);
    },
  };
}

function buildRate(limit: RateLimit, keys: number): Rate {
  const { per, requests, within, routes, tools } = limit;
  return {
    per,
    name: `${requests} requests in ${formatDuration(within)} by ${per}`,
    gate: createRateGate({ requests, within, keys }),
    routes: toSet(routes),
    isTool: compilePatterns(tools),
  };
}

function buildConcurrency({ per, calls, streams, routes }: ConcurrencyLimit): Concurrency {
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
    slots: createSlots({ calls, streams }),
    routes: toSet(routes),
  };
}

function toSet(routes: readonly string[]): ReadonlySet<string> | undefined {
  return routes.length === 0 ? undefined : new Set(routes);
}

function isForDoor({ per, routes, isTool }: Rate): boolean {
  return per === 'address' && routes === undefined && isTool === undefined;
}

function takeAtDoor(rates: readonly Rate[], key: string, now: number): LimitRefusal | undefined {
  const refusal = findRefusal(
    rates,
    rates.map(() => key),
    now,
  );
  if (refusal !== undefined) return refusal;
  for (const { gate } of rates) gate.take(key, now);
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
  let isOver = false;
  return {
    kind: 'ok',
    leave() {
      if (isOver) return;
      isOver = true;
      for (const slot of slots) releaseSlot(slot, isStream);
    },
  };
}

function keyFor({ per, routes, isTool }: Rate, request: LimitedRequest): string | undefined {
  if (routes !== undefined && !routes.has(request.route)) return undefined;
  if (isTool !== undefined && (request.tool === undefined || !isTool(request.tool))) return undefined;
  return toLimitKey(per, request);
}

function slotKeyFor({ per, routes }: Concurrency, request: LimitedRequest): string | undefined {
  return routes === undefined || routes.has(request.route) ? toLimitKey(per, request) : undefined;
}
