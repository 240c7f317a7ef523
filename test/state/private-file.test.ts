import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isPrivateFile } from '../../src/state/private-file.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'breakwater-private-'));
});
afterEach(() => rm(root, { recursive: true }));

it('planted-keys: a file is private only while nobody else may read or write it, or owns it', async () => {
  const path = join(root, 'keys');
  await writeFile(path, '');
  for (const [mode, isPrivate] of [
    [0o600, true],
    [0o400, true],
    [0o640, false],
    [0o620, false],
    [0o604, false],
    [0o602, false],
  ] as const) {
    await chmod(path, mode);
    expect(isPrivateFile(await stat(path)), mode.toString(8)).toBe(isPrivate);
  }
  const { uid } = await stat(path);
  expect(isPrivateFile({ mode: 0o100_600, uid: uid + 1 })).toBe(false);
});
