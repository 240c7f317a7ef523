import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const LIBRARY = 'libfaketimeMT.so.1';
const DIRECTORIES = '/usr/lib';

/** Where Debian and its relatives put the library of libfaketime for programs with threads; `undefined` where it is not installed. */
export function findFakeTimeLibrary(): string | undefined {
  const candidates = [DIRECTORIES, ...readdirSync(DIRECTORIES).map((name) => join(DIRECTORIES, name))];
  return candidates.map((directory) => join(directory, 'faketime', LIBRARY)).find((path) => existsSync(path));
}

export interface FakeTime {
  /** Path of the library. */
  readonly library: string;
  /** Virtual seconds a real second. */
  readonly factor: number;
}

/**
 * Environment of a process whose clocks and timers run faster from its start on. Two such processes start
 * from different moments but run at the same rate, so lengths of time can be compared, moments cannot.
 */
export function buildFakeTimeEnvironment(fakeTime: FakeTime | undefined): Record<string, string> {
  if (fakeTime === undefined) return {};
  return { LD_PRELOAD: fakeTime.library, FAKETIME: `+0 x${fakeTime.factor}` };
}
