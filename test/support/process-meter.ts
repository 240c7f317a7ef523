import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Resident memory of a process in bytes (proc(5)). */
export function readResidentBytes(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kibibytes === undefined) throw new Error(`process ${pid} has no resident memory`);
  return Number(kibibytes) * 1024;
}

/** Open file descriptors of a process. */
export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Seconds of processor time a process has used, its own and the system's for it (proc(5), USER_HZ is 100 on Linux). */
export function readCpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name that may hold spaces; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Open sockets of a process, listening ones included. */
export function countSockets(pid: number): number {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).filter((name) => isSocket(`${directory}/${name}`)).length;
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    // Closed between listing and looking.
    return false;
  }
}

/** A value and when it was read: in milliseconds, or after so many operations. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

export interface Trend {
  /** Growth over the whole span, by the line of least squares. */
  readonly growth: number;
  /** From the first to the last sample that counts, in the unit of their times. */
  readonly span: number;
  readonly mean: number;
  /** Means of the first and the last third. */
  readonly first: number;
  readonly last: number;
}

const WARM_UP = 0.2;

/** Where a series is heading, its first fifth left out as warm-up. */
export function fitTrend(all: readonly Sample[]): Trend {
  const samples = all.slice(Math.floor(all.length * WARM_UP));
  const meanAt = mean(samples.map(({ at }) => at));
  const meanValue = mean(samples.map(({ value }) => value));
  let covariance = 0;
  let variance = 0;
  for (const { at, value } of samples) {
    covariance += (at - meanAt) * (value - meanValue);
    variance += (at - meanAt) ** 2;
  }
  const span = (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0);
  const third = Math.ceil(samples.length / 3);
  return {
    growth: variance === 0 ? 0 : (covariance / variance) * span,
    span,
    mean: meanValue,
    first: mean(samples.slice(0, third).map(({ value }) => value)),
    last: mean(samples.slice(-third).map(({ value }) => value)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
