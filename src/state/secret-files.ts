import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { ensurePrivateDirectory, writeFileAtomically } from './directory.ts';
import { acquireLock } from './lock.ts';
import { isPrivateFile } from './private-file.ts';
import type { SharedText, SharedTexts } from './shared-text.ts';

/** No text comes near this; a larger file is not ours. */
const largestFile = 262_144;

/** Texts as files of mode 0600 below the state directory. They are written under a lock, and read without. */
export function createSecretFiles(stateDir: string, clock: Clock): SharedTexts {
  return (name): SharedText => {
    const path = join(stateDir, name);
    const directory = dirname(path);
    const read = (): Promise<string | undefined> => readPrivateFile(path);
    return {
      place: path,
      read,
      async replace({ before, text, signal }) {
        await ensurePrivateDirectory(directory);
        const lock = await acquireLock({ path: `${path}.lock`, clock, signal });
        try {
          if ((await read()) !== before) return false;
          await writeFileAtomically(directory, { name: basename(path), data: text, mode: 0o600 });
          return true;
        } finally {
          await lock.release();
        }
      },
    };
  };
}

/** Failures are as good as no file, since a new text is the answer to both. */
async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return isPrivateFile(found) && found.size <= largestFile ? await readFile(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
