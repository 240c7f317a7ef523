/** Counts what runs, by host and in all. */
export interface HostSlots {
  /** Takes a slot, or says that none is free; nobody waits, since a queue would be the attacker's to fill. */
  take(host: string): boolean;
  give(host: string): void;
}

export function createHostSlots(limits: { readonly perHost: number; readonly total: number }): HostSlots {
  const running = new Map<string, number>();
  let total = 0;
  return {
    take(host) {
      const count = running.get(host) ?? 0;
      if (count >= limits.perHost || total >= limits.total) return false;
      running.set(host, count + 1);
      total += 1;
      return true;
    },
    give(host) {
      const count = running.get(host) ?? 0;
      if (count <= 1) running.delete(host);
      else running.set(host, count - 1);
      total -= 1;
    },
  };
}
