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

/** A wall clock that a test sets, for one process; its other clocks go on as they are. */
export interface SetClock {
  /** Path of the library. */
  readonly library: string;
  /** Holds the offset, such as `+3600`; it is read at each look at the clock. */
  readonly file: string;
}

export function buildSetClockEnvironment(clock: SetClock | undefined): Record<string, string> {
  if (clock === undefined) return {};
  return {
    LD_PRELOAD: clock.library,
    FAKETIME_TIMESTAMP_FILE: clock.file,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}
