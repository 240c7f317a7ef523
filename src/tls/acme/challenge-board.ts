import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePrivateDirectory, writeFileAtomically } from '../../state/directory.ts';

/**
 * Where the processes of one state directory leave answers to challenges for each other: an authority's validator comes to any of
 * them, whichever has ordered.
 */
export interface ChallengeBoard {
  /** Resolves once every process can read it. Rejects with a GatewayError (E_STATE_UNWRITABLE). */
  put(topic: string, text: string): Promise<void>;
  remove(topic: string): Promise<void>;
  /** What is there now; a look at the disk, so only for what a validator may have asked. */
  read(topic: string): string | undefined;
}

/** No order takes so long; what is older was left by a process that died. */
const ABANDONED_MILLISECONDS = 86_400_000;

export function createChallengeBoard(stateDir: string): ChallengeBoard {
  const directory = join(stateDir, 'acme', 'challenges');
  let swept: Promise<void> | undefined;
  return {
    async put(topic, text) {
      await ensurePrivateDirectory(directory);
      // What cannot be swept now lies there until the next answer is put; the one that is wanted does not wait for it.
      await (swept ??= sweep(directory).catch(() => {
        swept = undefined;
      }));
      await writeFileAtomically(directory, { name: toTopicDigest(topic), data: text, mode: 0o600 });
    },
    remove: (topic) => rm(join(directory, toTopicDigest(topic)), { force: true }),
    read(topic) {
      try {
        return readFileSync(join(directory, toTopicDigest(topic)), 'utf8');
      } catch {
        // Nobody has put it there, which is the rule: most who ask are no validators.
        return undefined;
      }
    },
  };
}

async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MILLISECONDS)
      await rm(path, { force: true });
  }
}

/**
 * The name of a topic where others can see it. Topics hold tokens and names of others, which say nothing about files then (path
 * traversal), and nobody learns from it which names are proven.
 */
export function toTopicDigest(topic: string): string {
  return createHash('sha256').update(topic).digest('hex');
}
