import { expect, it } from 'vitest';
import { explainFileError, hasCode } from '../../src/lib/file-errors.ts';

const withCode = (code: unknown): Error => Object.assign(new Error('x'), { code });

it.each([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'a part of the path is not a directory'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EIO', 'EIO'],
  [7, 'unknown reason'],
])('explains %s', (code, text) => {
  expect(explainFileError(withCode(code))).toBe(text);
});

it('knows the code of an error, and that other things have none', () => {
  expect(hasCode(withCode('ENOENT'), 'ENOENT')).toBe(true);
  expect(hasCode(withCode('EACCES'), 'ENOENT')).toBe(false);
  for (const other of [new Error('ENOENT'), { code: 'ENOENT' }, 'ENOENT', undefined])
    expect(hasCode(other, 'ENOENT')).toBe(false);
});
