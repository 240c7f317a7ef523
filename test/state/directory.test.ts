import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createDirectoryAtomically,
  ensurePrivateDirectory,
  listDirectory,
  writeFileAtomically,
} from '../../src/state/directory.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'breakwater-state-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

describe('writing a file', () => {
  it('replaces it whole, with the mode asked for, and leaves nothing beside it', async () => {
    await writeFileAtomically(root, { name: 'a', data: 'first, and longer', mode: 0o644 });
    await writeFileAtomically(root, { name: 'a', data: 'second', mode: 0o600 });
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('second');
    expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o600);
    expect(await readdir(root)).toEqual(['a']);
  });

  it('never shows a part to a reader', async () => {
    const contents = Array.from({ length: 30 }, (_, index) => String(index % 10).repeat(20_000));
    await writeFileAtomically(root, { name: 'a', data: contents[0] ?? '', mode: 0o600 });
    const writer = (async () => {
      for (const data of contents) await writeFileAtomically(root, { name: 'a', data, mode: 0o600 });
      return 'done' as const;
    })();
    let reads = 0;
    for (;;) {
      const seen = await Promise.race([writer, readFile(join(root, 'a'), 'utf8')]);
      if (seen === 'done') break;
      expect(contents).toContain(seen);
      reads++;
    }
    expect(reads).toBeGreaterThan(0);
  });

  it('keeps the old content when it fails, and says why', async () => {
    await mkdir(join(root, 'a'));
    await expect(writeFileAtomically(root, { name: 'a', data: 'x', mode: 0o600 })).rejects.toMatchObject({
      code: 'E_STATE_UNWRITABLE',
      message: `cannot write \`${join(root, 'a')}\`: it is a directory`,
    });
    expect(await readdir(root)).toEqual(['a']);
  });
});

it('names its own failure where even cleaning up fails', async () => {
  await writeFile(join(root, 'file'), '');
  const attempt = writeFileAtomically(join(root, 'file'), { name: 'a', data: 'x', mode: 0o600 });
  await expect(attempt).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
});

describe('creating a directory with its files', () => {
  const files = (data: string): { name: string; data: string; mode: number }[] => [
    { name: 'one', data, mode: 0o600 },
    { name: 'two', data, mode: 0o644 },
  ];

  it('lets exactly one of many win, with both its files', async () => {
    const path = join(root, 'dir');
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) => createDirectoryAtomically(path, files(String(index)))),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    const winner = String(results.indexOf(true));
    expect(await readFile(join(path, 'one'), 'utf8')).toBe(winner);
    expect(await readFile(join(path, 'two'), 'utf8')).toBe(winner);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect(await readdir(root)).toEqual(['dir']);
  });

  it('does not touch a directory that holds something', async () => {
    await mkdir(join(root, 'dir'));
    await writeFile(join(root, 'dir', 'mine'), 'kept');
    expect(await createDirectoryAtomically(join(root, 'dir'), files('x'))).toBe(false);
    expect(await readdir(join(root, 'dir'))).toEqual(['mine']);
  });
});

it('lists a directory, also one that is not there, and tells of one that cannot be read', async () => {
  await writeFile(join(root, 'file'), '');
  expect((await listDirectory(root)).map(({ name }) => name)).toEqual(['file']);
  expect(await listDirectory(join(root, 'missing'))).toEqual([]);
  await expect(listDirectory(join(root, 'file'), { hint: 'ask somebody' })).rejects.toMatchObject({
    code: 'E_STATE_UNWRITABLE',
    message: `cannot read \`${join(root, 'file')}\`: a part of the path is not a directory`,
    hint: 'ask somebody',
  });
});

it('creates private directories on the way and takes those that exist', async () => {
  const path = join(root, 'a', 'b');
  await ensurePrivateDirectory(path);
  await ensurePrivateDirectory(path);
  expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700);
  await writeFile(join(root, 'file'), '');
  await expect(ensurePrivateDirectory(join(root, 'file', 'below'))).rejects.toMatchObject({
    code: 'E_STATE_UNWRITABLE',
    message: expect.stringContaining('a part of the path is not a directory'),
  });
});
