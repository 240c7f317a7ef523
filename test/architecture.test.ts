import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The floors of the house, lowest first. Imports point down; rooms of one floor do not know each other, but for `lib`. */
const floors: readonly (readonly string[])[] = [
  ['lib', 'state', 'observe'],
  ['http', 'mcp', 'tls', 'auth', 'config', 'limits'],
  ['upstream', 'sessions', 'render'],
  ['gateway', 'doctor'],
  ['cli'],
];

/** What a room may use where that is not all of the floors below. */
const doors: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  state: ['lib'],
  observe: ['lib'],
  mcp: ['lib'],
  http: ['lib'],
  config: ['lib'],
  auth: ['lib', 'state'],
  tls: ['lib', 'state'],
  limits: ['lib'],
  upstream: ['lib', 'http'],
  sessions: ['lib', 'state', 'mcp'],
  render: ['lib', 'config', 'auth', 'mcp', 'http', 'tls'],
  doctor: ['lib', 'render', 'auth', 'config', 'mcp'],
};

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
}

function listFiles(folder: string, pattern: RegExp): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name));
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, lines: text.split('\n').length - 1 };
    });
}

function importsOf(file: SourceFile): string[] {
  const specifiers = [...file.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(
    ([, path]) => path ?? '',
  );
  return specifiers.map((specifier) => relative(root, resolve(root, dirname(file.path), specifier)));
}

function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room));
}

function isAllowed(from: string, to: string): boolean {
  if (from === to) return true;
  const listed = doors[from];
  return listed === undefined ? floorOf(to) < floorOf(from) : listed.includes(to);
}

const sources = listFiles('src', /\.ts$/);

describe('the house', () => {
  it('has the rooms that the picture names', () => {
    const rooms = new Set(sources.map(({ path }) => roomOf(path)).filter((room) => room !== undefined));
    expect([...rooms].toSorted()).toEqual(floors.flat().toSorted());
  });

  it('is drawn as it is: the table of ARCHITECTURE.md has the same rooms on the same floors', () => {
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const drawn = [...text.matchAll(/^\| \d \| ([^|]*) \|/gm)].map(([, rooms = '']) =>
      [...rooms.matchAll(/`src\/([a-z]+)\/`/g)].map(([, room = '']) => room).toSorted(),
    );
    expect(drawn.toReversed()).toEqual(floors.map((rooms) => rooms.toSorted()));
  });

  it('imports only downwards', () => {
    const wrong = sources.flatMap((file) => {
      const from = roomOf(file.path);
      if (from === undefined) return [];
      return importsOf(file)
        .filter((path) => !isAllowed(from, roomOf(path) ?? ''))
        .map((path) => `${file.path} -> ${path}`);
    });
    expect(wrong).toEqual([]);
  });

  it('control: the rule knows up from down', () => {
    expect(isAllowed('http', 'mcp')).toBe(false);
    expect(isAllowed('lib', 'http')).toBe(false);
    expect(isAllowed('gateway', 'http')).toBe(true);
    expect(isAllowed('upstream', 'mcp')).toBe(false);
    expect(isAllowed('sessions', 'tls')).toBe(false);
  });

  it('keeps protocol knowledge pure', () => {
    const wrong = sources
      .filter(({ path }) => path.startsWith('src/mcp/'))
      .filter(({ text }) => /from 'node:(?!buffer|crypto)/.test(text))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  it('keeps files small: at most 400 lines, half of them at most 120', () => {
    expect(sources.filter(({ lines }) => lines > 400).map(({ path }) => path)).toEqual([]);
    const sorted = sources.map(({ lines }) => lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(120);
    const tests = listFiles('test', /\.ts$/);
    expect(tests.filter(({ lines }) => lines > 600).map(({ path }) => path)).toEqual([]);
  });

  it('has no barrels and no dumping grounds, and imports with the extension', () => {
    const names = sources.map(({ path }) => path);
    expect(
      names.filter(
        (path) => /\/(index|utils|helpers|common|types)\.ts$/.test(path) && path !== 'src/index.ts',
      ),
    ).toEqual([]);
    expect(names.filter((path) => /[A-Z_]/.test(path))).toEqual([]);
    expect(sources.flatMap(importsOf).filter((path) => !/\.(ts|json)$/.test(path))).toEqual([]);
  });

  it('is described truly: every path ARCHITECTURE.md names exists', () => {
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
    const named = [...text.matchAll(/`((?:src|test|scripts|bench|examples|docs|bin)\/[\w./-]*)`/g)].map(
      ([, path]) => path ?? '',
    );
    expect(named.length).toBeGreaterThan(20);
    const existing = new Set(
      ['src', 'test', 'scripts', 'bench', 'examples', 'docs', 'bin'].flatMap((folder) => [
        folder,
        ...readdirSync(join(root, folder), { recursive: true }).map((entry) => join(folder, String(entry))),
      ]),
    );
    expect(named.filter((path) => !existing.has(path.replace(/\/$/, '')))).toEqual([]);
  });
});
