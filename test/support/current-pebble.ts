import { existsSync } from 'node:fs';
import { toCheckoutPath, type Program } from './programs.ts';

/** The release with renewal information, profiles and `replaces`; Debian's is of 2022 and has none of them. */
export const currentPebbleVersion = 'v2.10.1';

/** Where `scripts/build-pebble.ts` puts the programs. The version is part of the path: another one is built anew. */
export const currentPebbleFolder: string = toCheckoutPath(`.tools/pebble-${currentPebbleVersion}`);

export type PebbleProgram = 'pebble' | 'pebble-challtestsrv';

/** A program of the current Pebble, or why the tests that need it do not run. */
export function findCurrentPebble(name: PebbleProgram = 'pebble'): Program {
  const path = `${currentPebbleFolder}/${name}`;
  return existsSync(path)
    ? { kind: 'found', path }
    : {
        kind: 'missing',
        reason: `no Pebble ${currentPebbleVersion} (build it with: node scripts/build-pebble.ts)`,
      };
}
