import { CountsElsewhere, type RunningElsewhere } from './elsewhere.ts';

/** How many calls and streams run at the same time, by key. */
export interface Slots {
  /** The counts of a key; they stand still unless `takeSlot` follows at once. */
  get(key: string): Slot;
  /** Whether one more of the kind may begin, or `count` of them at once. */
  hasRoom(slot: Slot, isStream: boolean, count?: number): boolean;
  /** What other processes that share the limit have running. */
  readonly elsewhere: CountsElsewhere;
  /** What runs here, by key. */
  listRunning(): readonly (readonly [key: string, running: RunningElsewhere])[];
  /** Keys that are held. */
  readonly size: number;
}

export interface Slot {
  readonly key: string;
  readonly home: SlotHome;
  calls: number;
  streams: number;
}

interface SlotHome {
  readonly slots: Map<string, Slot>;
  readonly onChange: ((key: string, running: RunningElsewhere) => void) | undefined;
}

/** `undefined` is no limit. */
export interface SlotLimits {
  readonly calls: number | undefined;
  readonly streams: number | undefined;
}

/** Keys of which nothing runs, kept since who calls once calls again; all beyond go as soon as nothing of them runs. */
const KEPT_KEYS = 4096;

/** `onChange`: told of each call and stream that begins or ends, for processes that share the limit. */
export function createSlots(
  limits: SlotLimits,
  onChange?: (key: string, running: RunningElsewhere) => void,
): Slots {
  const { calls = Number.POSITIVE_INFINITY, streams = Number.POSITIVE_INFINITY } = limits;
  const home: SlotHome = { slots: new Map(), onChange };
  const elsewhere = new CountsElsewhere();
  return {
    elsewhere,
    get: (key) => home.slots.get(key) ?? { key, home, calls: 0, streams: 0 },
    hasRoom(slot, isStream, count = 1) {
      const others = elsewhere.get(slot.key);
      const running = isStream ? slot.streams + others.streams : slot.calls + others.calls;
      return running + count <= (isStream ? streams : calls);
    },
    listRunning: () =>
      [...home.slots.values()].flatMap(({ key, calls: own, streams: ownStreams }) =>
        own + ownStreams === 0 ? [] : [[key, { calls: own, streams: ownStreams }] as const],
      ),
    get size() {
      return home.slots.size;
    },
  };
}

/** Begins a call or stream, or `count` of them. */
export function takeSlot(slot: Slot, isStream: boolean, count = 1): void {
  const { home, key } = slot;
  if (slot.calls === 0 && slot.streams === 0) home.slots.set(key, slot);
  if (isStream) slot.streams += count;
  else slot.calls += count;
  home.onChange?.(key, slot);
}

/** Ends a call or stream that began, or `count` of them; once for each. */
export function releaseSlot(slot: Slot, isStream: boolean, count = 1): void {
  if (isStream) slot.streams -= count;
  else slot.calls -= count;
  const { home, key } = slot;
  if (slot.calls === 0 && slot.streams === 0 && home.slots.size > KEPT_KEYS) home.slots.delete(key);
  home.onChange?.(key, slot);
}
