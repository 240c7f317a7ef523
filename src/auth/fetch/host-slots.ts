import type { Clock } from '../../lib/clock.ts';

/** Who goes first where several wait: what asks again about somebody known comes before what asks for the first time. */
export type Priority = 'high' | 'low';

/** Counts what runs, by host and in all. */
export interface HostSlots {
  /** Takes a slot, or says that none is free; nobody waits, since a queue would be the attacker's to fill. */
  take(host: string): boolean;
  /**
   * Takes a slot once it is its turn. Resolves to false at once where too many wait for the host already (20,000 of high priority, 100 of
   * low), and after three seconds for low priority; high priority waits for as long as it takes.
   */
  wait(host: string, priority: Priority): Promise<boolean>;
  give(host: string): void;
}

interface Line {
  readonly high: Set<() => void>;
  readonly low: Set<() => void>;
  /** Turns of high priority since the last one of low. */
  highInRow: number;
}

const longest = { high: 20_000, low: 100 } as const;
/** Milliseconds. */
const patience = 3000;
/** Else nobody new would come in where those who are known keep a slow host busy all the time. */
const mostHighInRow = 3;

export function createHostSlots(limits: {
  readonly perHost: number;
  readonly total: number;
  readonly clock: Clock;
}): HostSlots {
  const running = new Map<string, number>();
  const lines = new Map<string, Line>();
  let total = 0;

  function take(host: string): boolean {
    const count = running.get(host) ?? 0;
    if (count >= limits.perHost || total >= limits.total) return false;
    running.set(host, count + 1);
    total += 1;
    return true;
  }

  function serve(host: string, line: Line): void {
    while (line.high.size + line.low.size > 0 && take(host)) {
      const isLow = line.high.size === 0 || (line.low.size > 0 && line.highInRow >= mostHighInRow);
      line.highInRow = isLow ? 0 : line.highInRow + 1;
      const [next] = isLow ? line.low : line.high;
      next?.();
    }
    if (line.high.size + line.low.size === 0) lines.delete(host);
  }

  return {
    take,
    wait(host, priority) {
      if (take(host)) return Promise.resolve(true);
      const line = lines.get(host) ?? { high: new Set(), low: new Set(), highInRow: 0 };
      const waiting = line[priority];
      if (waiting.size >= longest[priority]) return Promise.resolve(false);
      lines.set(host, line);
      return new Promise((resolve) => {
        const leave = (isServed: boolean): void => {
          waiting.delete(go);
          timer?.cancel();
          resolve(isServed);
        };
        const go = (): void => leave(true);
        const timer = priority === 'low' ? limits.clock.setTimeout(() => leave(false), patience) : undefined;
        waiting.add(go);
      });
    },
    give(host) {
      const count = running.get(host) ?? 0;
      if (count <= 1) running.delete(host);
      else running.set(host, count - 1);
      total -= 1;
      // Where all slots were in use, those of another host may be next.
      for (const [next, line] of lines) serve(next, line);
    },
  };
}
