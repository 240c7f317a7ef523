/** How many calls and streams run at the same time, by key. */
export interface Slots {
  /** The counts of a key; they stand still unless `takeSlot` follows at once. */
  get(key: string): Slot;
  /** Whether one more of the kind may begin. */
  hasRoom(slot: Slot, isStream: boolean): boolean;
  /** Keys that are held. */
  readonly size: number;
}

export interface Slot {
  readonly key: string;
  readonly home: Map<string, Slot>;
  calls: number;
  streams: number;
}

/** `undefined` is no limit. */
export interface SlotLimits {
  readonly calls: number | undefined;
  readonly streams: number | undefined;
}

/** Keys of which nothing runs, kept since who calls once calls again; all beyond go as soon as nothing of them runs. */
const KEPT_KEYS = 4096;

export function createSlots(limits: SlotLimits): Slots {
  const { calls = Number.POSITIVE_INFINITY, streams = Number.POSITIVE_INFINITY } = limits;
  const home = new Map<string, Slot>();
  return {
    get: (key) => home.get(key) ?? { key, home, calls: 0, streams: 0 },
    hasRoom: (slot, isStream) => (isStream ? slot.streams < streams : slot.calls < calls),
    get size() {
      return home.size;
    },
  };
}

/** Begins a call or stream. */
export function takeSlot(slot: Slot, isStream: boolean): void {
  if (slot.calls === 0 && slot.streams === 0) slot.home.set(slot.key, slot);
  if (isStream) slot.streams++;
  else slot.calls++;
}

/** Ends a call or stream that began; once for each. */
export function releaseSlot(slot: Slot, isStream: boolean): void {
  if (isStream) slot.streams--;
  else slot.calls--;
  if (slot.calls === 0 && slot.streams === 0 && slot.home.size > KEPT_KEYS) slot.home.delete(slot.key);
}
