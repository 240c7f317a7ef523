import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc/PID/stat; 100 on every Linux this runs on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** A process and all that descend from it. */
export function listTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(readStat(Number(name))?.[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Seconds of processor time, user and system, that a tree has taken so far, threads included. */
export function readCpuSeconds(root: number): number {
  const ticks = listTree(root).map((pid) => {
    const stat = readStat(pid);
    return Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0);
  });
  return ticks.reduce((sum, count) => sum + count, 0) / TICKS_PER_SECOND;
}

/** Seconds that a core has been busy, and all its seconds, since the machine started. */
export function readCoreSeconds(core: number): { readonly busy: number; readonly all: number } {
  const line = readText('/proc/stat')
    .split('\n')
    .find((each) => each.startsWith(`cpu${core} `));
  // user nice system idle iowait irq softirq steal (proc(5)); guests are counted in user and nice.
  const ticks = (line ?? '').split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, count) => sum + count, 0);
  const [, , , idle = 0, iowait = 0] = ticks;
  return { busy: (all - idle - iowait) / TICKS_PER_SECOND, all: all / TICKS_PER_SECOND };
}

/** Resident memory of a tree in KiB. */
export function readResidentKib(root: number): number {
  return listTree(root)
    .map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1] ?? 0))
    .reduce((sum, kib) => sum + kib, 0);
}

/** The fields of /proc/PID/stat behind the name, which may hold anything; the first is the state. */
function readStat(pid: number): readonly string[] | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process ended between listing and reading.
    return '';
  }
}
