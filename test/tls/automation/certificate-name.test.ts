import { describe, expect, it } from 'vitest';
import {
  fromFolderName,
  isPublicHostName,
  toFolderName,
} from '../../../src/tls/automation/certificate-name.ts';

describe('the folder of a name', () => {
  it.each([
    ['mcp.example.com', 'mcp.example.com'],
    ['*.example.com', '_wildcard.example.com'],
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001_db8__1'],
    ['::1', '__1'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('%s', (name, folder) => {
    expect(toFolderName(name)).toBe(folder);
    expect(fromFolderName(folder)).toBe(name);
  });

  it.each([
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a\\b',
    '/etc',
    '.hidden',
    'a..b',
    'a b',
    'a\0b',
    'fe80::1%eth0',
    'ü.example',
  ])('path traversal: %j has none', (name) => {
    expect(toFolderName(name)).toBeUndefined();
  });

  it.each(['UPPER.example', '.tmp', 'a..b', '_wildcard.', 'x/y'])('%j is no folder of ours', (folder) => {
    expect(fromFolderName(folder)).toBeUndefined();
  });
});

describe('a name that a client may ask for', () => {
  it.each(['mcp.example.com', 'a-b.example', 'xn--bcher-kva.example'])('is %s', (name) => {
    expect(isPublicHostName(name)).toBe(true);
  });
  it.each([
    '',
    'localhost',
    '127.0.0.1',
    '::1',
    '*.example.com',
    '-a.example',
    'a-.example',
    'a_b.example',
    'a.example.',
    'A.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}example`,
    'a.example/../b',
    'a.1',
  ])('is not %j', (name) => {
    expect(isPublicHostName(name)).toBe(false);
  });
});
