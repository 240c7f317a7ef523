import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readDirectoryIfThere, readFileIfThere } from '../../src/lib/read-if-there.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'breakwater-read-'));
  await mkdir(join(root, 'directory'));
  await writeFile(join(root, 'file'), 'text');
});
afterEach(() => rm(root, { recursive: true }));

it('reads a file, and tells one that is missing from one that cannot be read', async () => {
  expect(await readFileIfThere(join(root, 'file'))).toBe('text');
  expect(await readFileIfThere(join(root, 'missing'))).toBeUndefined();
  await expect(readFileIfThere(join(root, 'directory'))).rejects.toMatchObject({ code: 'EISDIR' });
});

it('lists a directory, and tells one that is missing from one that cannot be read', async () => {
  const entries = await readDirectoryIfThere(root);
  expect(entries.map(({ name }) => name).toSorted()).toEqual(['directory', 'file']);
  expect(await readDirectoryIfThere(join(root, 'missing'))).toEqual([]);
  await expect(readDirectoryIfThere(join(root, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});
